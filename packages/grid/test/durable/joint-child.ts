// Writes the next number to a record of the store and to an entry of a map in one transaction, without end, beside others that do the same.
// Tells each acknowledged one on standard output.
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { tell } from './tell.ts'

// Whoever starts it ahead of time ends its input when it is to begin.
for await (const go of process.stdin) void go
const [path = '', ids = '3'] = process.argv.slice(2)
const durable = await openDurable({ path })
const grid = await openGrid(durable.backend)
const states = grid.map<{ readonly n: number; readonly pad: string }>('states')
tell('open')

async function writer(id: string): Promise<void> {
  for (;;) {
    const n = ((await durable.store.get(id))?.rev ?? 0) + 1
    const pad = `${n} `.repeat(1 + ((n * 37) % 200))
    try {
      await durable.transaction((transaction) => {
        // The map first: neither order may let one of them be seen alone.
        transaction.put(states, id, { n, pad })
        transaction.commit(id, n - 1, { owner: 'all', token: 1 }, Buffer.from(`${n} ${pad}`))
      })
      tell(`${id} ${n}`)
    } catch (error) {
      if (!isStoreError(error, 'STORE_CONFLICT')) throw error
    }
  }
}

await Promise.all(Array.from({ length: Number(ids) }, (_, at) => writer(`agent-${at}`)))
