// A hundred parts pass, one is dropped: its trace is exported whole, from the camera to the arm. The others stay in the recorder.
import { createSystem, type MapEvent } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { createMachine } from 'xstate'

type Part = { slippery: boolean }
type Task = { part: string; slippery: boolean }
const clock = createVirtualClock()
const grid = await openGrid({ clock })
const [parts, tasks] = [grid.map<Part>('parts'), grid.map<Task>('tasks')]

const print: NonNullable<StartTelemetryOptions['spanExporters']>[number] = {
  export(spans, done) {
    for (const { name, attributes } of spans) {
      console.log([name, attributes['agent.plan.id'], attributes['agent.keep.reason']].filter(Boolean).join(', '))
    }
    done({ code: 0 })
  },
  shutdown: async () => {},
}
const telemetry = await startTelemetry({ grid, keep: { ratio: 0 }, spanExporters: [print], otlp: false, prometheus: false })
const system = createSystem({ grid, hooks: telemetry.core, random: () => 0.5 })

const planner = createMachine({
  id: 'planner',
  types: {} as { events: MapEvent<'parts', Part> },
  on: {
    'parts.put': {
      actions: ({ event: { key, value } }) => {
        if (grid.trace.current !== undefined) telemetry.plan(grid.trace.current, `pick ${key}`)
        void tasks.put('arm', { part: key, ...value })
      },
    },
  },
})
const arm = createMachine({
  id: 'arm',
  types: {} as { events: MapEvent<'tasks', Task> },
  initial: 'ready',
  states: {
    ready: { on: { 'tasks.put': { guard: ({ event }) => event.value.slippery, target: 'dropped' } } },
    dropped: { tags: 'violation' },
  },
})
await system.spawn(planner, { id: 'planner', stage: 'planning', watch: { parts } })
await system.spawn(arm, { id: 'arm', watch: { tasks } })

for (let i = 0; i < 100; i++) {
  await parts.put(`p${i}`, { slippery: i === 42 }, { trace: telemetry.startTrace('camera frame') })
  await clock.advance(10)
}
await system.close()
await telemetry.close()
await grid.close()
// → camera frame, violation
// → planner {} -> {}, pick p42
// → arm violation, pick p42
// → arm ready -> dropped, pick p42
