// Makes the writes of grids whose reads are in another process, as asked for over IPC.
import { embedded, openGrid, type Grid, type GridMap } from '@stigmergy/grid'
import type { Answer, Asked } from './remote-writer.ts'

const grids = new Map<number, Grid>()

async function answer({ grid: at, ...asked }: Asked): Promise<unknown> {
  if (asked.what === 'open') {
    grids.set(at, await openGrid(embedded({ path: asked.path, pollMs: 20 }), { id: asked.id }))
    return undefined
  }
  const grid = grids.get(at)
  if (asked.what === 'close') {
    grids.delete(at)
    return grid?.close()
  }
  if (grid === undefined) throw new Error('it was closed')
  if (asked.what === 'publish') return grid.topic(asked.topic).publish(asked.message)
  const map: GridMap<unknown> = grid.map(asked.map, asked.options)
  return (map[asked.method] as (...args: unknown[]) => Promise<unknown>).apply(map, [...asked.args])
}

process.on('message', (asked: Asked) => {
  const tell = (said: Answer): void => void process.send?.(said)
  answer(asked).then(
    (result) => tell({ call: asked.call, result }),
    (error: unknown) => {
      const { name, message, code } = error as Error & { readonly code?: string }
      tell({ call: asked.call, error: { name, message, code } })
    },
  )
})
