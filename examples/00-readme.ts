// The program of the README. The tests hold the two equal, compile this file and run it.
import { assign, setup } from 'xstate'
import { openGrid } from '@stigmergy/grid'
import { createSystem, type MapEvent } from '@stigmergy/core'
type Part = { x: number; owner?: string }
const grid = await openGrid() // the shared memory of this process
const parts = grid.map<Part>('parts', { ttlMs: 500 })
const robot = setup({ types: {
  context: {} as { part?: string },
  events: {} as MapEvent<'parts', Part> | { type: 'placed' },
} }).createMachine({ id: 'robot', context: {}, initial: 'idle', states: {
  idle: { on: { 'parts.put': {
    guard: ({ event }) => parts.ageMs() < 50 && !event.value.owner, // a local read, no await
    actions: assign({ part: ({ event }) => event.key }), target: 'picking' } } },
  picking: { on: { placed: 'idle' } } } })
const system = createSystem({ grid })
const r1 = await system.spawn(robot, { id: 'r1', watch: { parts }, durability: 'checkpoint' })
await parts.put('p1', { x: 1.2 }) // a camera
await r1.until((s) => s.matches('picking'), { timeoutMs: 1000 })
console.log(r1.snapshot.context.part) // → p1
await system.close()
await grid.close()
