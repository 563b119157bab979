// One process of a cluster experiment: opens a grid, does what its role says until it is told to stop, and tells what it saw.
import { openGrid, systemClock, type Clock } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import net from 'node:net'
import { OwnWrites } from '../../src/hazelcast/own-writes.ts'
import { ageReader } from './roles/age-reader.ts'
import { ageWriter } from './roles/age-writer.ts'
import { changeWatcher } from './roles/change-watcher.ts'
import { changeWriter } from './roles/change-writer.ts'
import { ttl } from './roles/ttl.ts'
import { historyClient } from './roles/history-client.ts'
import type { Role, WorkerPlan } from './plan.ts'

const ROLES = {
  'age-reader': ageReader,
  'age-writer': ageWriter,
  'history-client': historyClient,
  'change-watcher': changeWatcher,
  'change-writer': changeWriter,
  ttl,
}

/** All connections go through the link, each beginning with the address it is for. */
function redirect(port: number): void {
  const direct = net.connect as (port: number, host: string) => net.Socket
  const through = (memberPort: number, host: string): net.Socket => {
    const socket = direct(port, '127.0.0.1')
    socket.write(`${host}:${memberPort}\n`)
    return socket
  }
  Object.assign(net, { connect: through })
}

/** A process on a machine whose wall clock is wrong. */
function shiftedClock(offsetMs: number): Clock {
  const now = Date.now.bind(Date)
  Date.now = () => now() + offsetMs
  const clock = systemClock()
  return { ...clock, wallNow: () => clock.wallNow() + offsetMs }
}

/** A bug for the experiment to find: beats tell the highest number up to which all writes have ended, not the highest given. */
function plantLowNumbers(): void {
  const announce = OwnWrites.prototype.announce
  OwnWrites.prototype.announce = function (this: OwnWrites) {
    return { ...announce.call(this), n: this.ended }
  }
}

const plan = JSON.parse(process.argv[2] as string) as WorkerPlan
if (plan.linkPort !== undefined) redirect(plan.linkPort)
if (plan.planted === true) plantLowNumbers()
const clock = plan.wallOffsetMs === undefined ? systemClock() : shiftedClock(plan.wallOffsetMs)
const stopping = new AbortController()
process.on('message', (message: { readonly stop?: true; readonly stallMs?: number }) => {
  if (message.stop === true) stopping.abort()
  // A loop that stands still: garbage collection, a long computation, a breakpoint.
  const { stallMs } = message
  if (stallMs !== undefined) for (const until = performance.now() + stallMs; performance.now() < until;);
})
process.on('disconnect', () => process.exit(1))

const grid = await openGrid(hazelcast(plan.hazelcast), { id: plan.name, clock })
const role = ROLES[plan.role as keyof typeof ROLES] as Role<unknown, unknown>
const result = await role(grid, plan.args, { signal: stopping.signal, ready: () => void process.send?.({ ready: true }) })
await grid.close()
const left = (): void => process.disconnect()
process.send?.({ result }, undefined, {}, left)
