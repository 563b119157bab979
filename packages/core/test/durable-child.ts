// Counts `up` events, one per acknowledged checkpoint, until it is killed. Given a time for its leases, it holds one of its directory.
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { writeSync } from 'node:fs'
import { counter } from './durable-counter.ts'

const grid = await openGrid({ id: 'first' })
const [path = '', leaseMs] = process.argv.slice(2)
const durable = await openDurable({ path })
const hooks = { onCheckpoint: (_agent: unknown, rev: number) => void writeSync(1, `${rev}\n`) }
const leases = leaseMs === undefined ? {} : { authority: durable.authority(), leaseMs: Number(leaseMs) }
const system = createSystem({ grid, store: durable.store, hooks, ...leases })
const agent = await system.spawn(counter, { id: 'counter', durability: 'checkpoint' })
setInterval(() => agent.send({ type: 'up' }), 1)
