// One agent, one shared map: the agent reacts to a change of the world.
import { createSystem, type MapEvent } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { assign, setup } from 'xstate'

type Part = { x: number; owner?: string }

const grid = await openGrid()
const parts = grid.map<Part>('parts', { ttlMs: 500 })

const robot = setup({
  types: {
    context: {} as { part?: string },
    events: {} as MapEvent<'parts', Part> | { type: 'placed' },
  },
}).createMachine({
  id: 'robot',
  context: {},
  initial: 'idle',
  states: {
    idle: {
      on: {
        'parts.put': {
          guard: ({ event }) => parts.ageMs() < 50 && event.value.owner === undefined, // a local read, no await
          actions: assign({ part: ({ event }) => event.key }),
          target: 'picking',
        },
      },
    },
    picking: { on: { placed: 'idle' } },
  },
})

const system = createSystem({ grid })
const r1 = await system.spawn(robot, { id: 'r1', watch: { parts }, durability: 'checkpoint' })

await parts.put('p1', { x: 1.2 }) // a camera, here or elsewhere
await r1.until((snapshot) => snapshot.matches('picking'), { timeoutMs: 1000 })
console.log(r1.snapshot.context.part) // → p1

r1.send({ type: 'placed' })
await r1.until((snapshot) => snapshot.matches('idle'), { timeoutMs: 1000 })
console.log(r1.snapshot.value) // → idle

await system.close()
await grid.close()
