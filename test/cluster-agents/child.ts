// Runs the robot on the cluster, and tells each checkpoint, until it is killed.
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { createMapStore, type StoredInMap } from '@stigmergy/grid/store'
import { robotOn, type Order, type RobotContext } from './robot.ts'

const [clusterName = '', ...members] = process.argv.slice(2)
const grid = await openGrid(hazelcast({ clusterName, members, deadlineMs: 5000 }))
const store = createMapStore(grid.map<StoredInMap>('states'))
const hooks = { onCheckpoint: (_agent: unknown, rev: number) => void process.send?.({ rev }) }
const system = createSystem({ grid, store, hooks })
const orders = grid.map<Order>('orders')
await orders.caughtUp({ deadlineMs: 20_000 })
await system.spawn(robotOn(grid.map<RobotContext>('contexts')), { id: 'r1', watch: { orders }, durability: 'checkpoint' })
process.send?.({ ready: true })
