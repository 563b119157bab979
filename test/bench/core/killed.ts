import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { gatedCounter } from './machines.ts'

const VICTIM = fileURLToPath(new URL('victim.ts', import.meta.url))

/** Kills a process in the midst of its work. True if no effect of it got out before the state that caused it was stored. */
export async function killed(path: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', 'tsx', VICTIM, path], { stdio: 'inherit' })
  await once(child, 'exit')
  const effects = (await readFile(join(path, 'effects'), 'utf8')).split('\n').slice(0, -1).map(Number)
  const grid = await openGrid()
  const durable = await openDurable({ path: join(path, 'store') })
  const system = createSystem({ grid, store: durable.store })
  const agent = await system.spawn(
    gatedCounter(() => undefined),
    { id: 'x', durability: 'gated' },
  )
  const { n } = agent.snapshot.context
  await system.close()
  await grid.close()
  await durable.close()
  const inOrder = effects.every((effect, at) => effect === at + 1)
  const last = effects.at(-1) ?? 0
  process.stderr.write(`killed after ${last} effects, resumed at ${n}\n`)
  return inOrder && last > 0 && n >= last
}
