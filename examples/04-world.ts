// Two agents, one map: they never send each other a message, they change the world both see.
import { createSystem, type MapEvent } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { createMachine } from 'xstate'

type Bin = { parts: number }
type BinEvent = MapEvent<'bins', Bin>

const grid = await openGrid()
const bins = grid.map<Bin>('bins')

const filler = createMachine({
  id: 'filler',
  types: {} as { events: { type: 'part' } },
  on: { part: { actions: () => void bins.update('left', (bin) => ({ parts: (bin?.parts ?? 0) + 1 })) } },
})

const carrier = createMachine({
  id: 'carrier',
  types: {} as { events: BinEvent },
  initial: 'waiting',
  states: {
    waiting: { on: { 'bins.put': { guard: ({ event }) => event.value.parts >= 3, target: 'carrying' } } },
    carrying: {
      entry: () => void bins.put('left', { parts: 0 }),
      on: { 'bins.put': { guard: ({ event }) => event.value.parts === 0, target: 'waiting' } },
    },
  },
})

const watch = bins.watch((change) => {
  if (change.type === 'put') console.log(`${change.key}: ${change.entry.value.parts}`)
})
const system = createSystem({ grid })
const filling = await system.spawn(filler)
const carrying = await system.spawn(carrier, { watch: { bins } })

for (let i = 0; i < 3; i++) filling.send({ type: 'part' })
await carrying.until((snapshot) => snapshot.matches('carrying'), { timeoutMs: 1000 })
await carrying.until((snapshot) => snapshot.matches('waiting'), { timeoutMs: 1000 })
// → left: 1
// → left: 2
// → left: 3
// → left: 0

watch.close()
await system.close()
await grid.close()
