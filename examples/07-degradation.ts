// A robot whose planner falls silent goes on by itself: slowly, and only with parts that nobody else wants.
import { createSystem, type DegradedEvent, type RecoveredEvent } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { setup } from 'xstate'

type News = DegradedEvent<'planner'> | RecoveredEvent<'planner'>
type Event = News | { type: 'part'; id: string; mine: boolean } | { type: 'order'; part: string }

const robot = setup({ types: { events: {} as Event } }).createMachine({
  id: 'robot',
  initial: 'led',
  on: {
    'agent.degraded': { target: '.alone', actions: () => console.log('no planner: slow') },
    'agent.recovered': { target: '.led', actions: () => console.log('planner is back: full speed') },
  },
  states: {
    led: { on: { order: { actions: ({ event }) => console.log(`picks ${event.part}, as ordered`) } } },
    alone: {
      on: {
        part: [
          { guard: ({ event }) => event.mine, actions: ({ event }) => console.log(`picks ${event.id}, its own`) },
          { actions: ({ event }) => console.log(`leaves ${event.id}`) },
        ],
      },
    },
  },
})

const clock = createVirtualClock()
const grid = await openGrid({ clock })
const system = createSystem({ grid })
const beats = grid.map<string>('beats')
const beat = (seq: number) => beats.put('planner', 'here', { source: { epoch: 1, seq } })

await beat(1)
const r1 = await system.spawn(robot, { id: 'r1', needs: { planner: { map: beats, source: 'planner', maxAgeMs: 200 } } })
r1.send({ type: 'order', part: 'p1' })
await clock.advance(200)
// → picks p1, as ordered

await clock.advance(1)
// → no planner: slow
r1.send({ type: 'part', id: 'p2', mine: true })
r1.send({ type: 'part', id: 'p3', mine: false })
await clock.advance(0)
// → picks p2, its own
// → leaves p3

await beat(2)
r1.send({ type: 'order', part: 'p4' })
await clock.advance(0)
// → planner is back: full speed
// → picks p4, as ordered
await system.close()
await grid.close()
