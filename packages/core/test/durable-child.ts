// Counts `up` events, one per acknowledged checkpoint, until it is killed.
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { writeSync } from 'node:fs'
import { counter } from './durable-counter.ts'

const grid = await openGrid({ id: 'first' })
const { store } = await openDurable({ path: process.argv[2] ?? '' })
const hooks = { onCheckpoint: (_agent: unknown, rev: number) => void writeSync(1, `${rev}\n`) }
const system = createSystem({ grid, store, hooks })
const agent = await system.spawn(counter, { id: 'counter', durability: 'checkpoint' })
setInterval(() => agent.send({ type: 'up' }), 1)
