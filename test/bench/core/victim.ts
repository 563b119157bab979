// Counts as fast as it can, writes each effect down, and kills itself in the middle.
import { mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { GATE, gatedCounter, turn } from './machines.ts'

const path = process.argv[2] as string
mkdirSync(join(path, 'store'), { recursive: true })
const log = openSync(join(path, 'effects'), 'w')
const grid = await openGrid()
const { store } = await openDurable({ path: join(path, 'store'), level: 'process' })
const system = createSystem({ grid, store })
let effects = 0
const machine = gatedCounter(() => {
  effects += 1
  writeSync(log, `${effects}\n`)
  // In the middle of those that one commit let go.
  if (effects === 20_011) process.kill(process.pid, 'SIGKILL')
})
const agent = await system.spawn(machine, { id: 'x', durability: 'gated', gate: GATE, mailbox: { capacity: 100_000 } })
for (;;) {
  for (let i = 0; i < 200; i++) agent.send({ type: 'up' })
  await turn()
}
