// A control loop at 10 Hz: sense, perceive, plan, act. Four agents, three maps, a virtual clock: one second passes at once.
import { createSystem, type MapEvent } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createMachine } from 'xstate'

type Range = { metres: number }
type Obstacle = { near: boolean }
type Command = { speed: number }

const clock = createVirtualClock()
const grid = await openGrid({ clock })
const ranges = grid.map<Range>('ranges')
const obstacles = grid.map<Obstacle>('obstacles', { ttlMs: 250 })
const commands = grid.map<Command>('commands')
let metres = 2

const sensor = createMachine({
  id: 'sensor',
  initial: 'waiting',
  states: {
    waiting: { after: { 100: 'reading' } },
    reading: { entry: () => void ranges.put('front', { metres }), always: 'waiting' },
  },
})
const perception = createMachine({
  id: 'perception',
  types: {} as { events: MapEvent<'ranges', Range> },
  on: { 'ranges.put': { actions: ({ event }) => void obstacles.put('front', { near: event.value.metres < 1 }) } },
})
const planner = createMachine({
  id: 'planner',
  types: {} as { events: MapEvent<'obstacles', Obstacle> },
  on: { 'obstacles.put': { actions: ({ event }) => void commands.put('drive', { speed: event.value.near ? 0 : 2 }) } },
})
const drive = createMachine({
  id: 'drive',
  types: {} as { events: MapEvent<'commands', Command> },
  on: { 'commands.put': { actions: ({ event }) => void (metres -= event.value.speed * 0.1) } },
})

const system = createSystem({ grid })
await system.spawn(drive, { stage: 'actuation', watch: { commands } })
await system.spawn(planner, { stage: 'planning', watch: { obstacles } })
await system.spawn(perception, { stage: 'perception', watch: { ranges } })
await system.spawn(sensor, { stage: 'sensor' })

await clock.advance(1000)
console.log(`stopped ${metres.toFixed(1)} m before the wall`) // → stopped 0.8 m before the wall
console.log(`${ranges.peek('front')?.version} readings`) // → 10 readings

await system.close()
await grid.close()
