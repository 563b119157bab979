// A machine that throws is restarted from its last checkpoint: the event that broke it is gone, its state is not.
import { createSystem, type RestoredEvent } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { assign, setup } from 'xstate'

type Event = { type: 'pick'; part: string } | RestoredEvent

const arm = setup({
  types: { context: {} as { picked: readonly string[] }, events: {} as Event },
}).createMachine({
  id: 'arm',
  context: { picked: [] },
  on: {
    pick: {
      actions: [
        ({ event }) => {
          if (event.part === 'wet soap') throw new Error('slipped')
        },
        assign({ picked: ({ context, event }) => [...context.picked, event.part] }),
      ],
    },
    'agent.restored': { actions: ({ event }) => console.log(`restart ${event.restarts} from ${event.from}`) },
  },
})

const grid = await openGrid()
const system = createSystem({ grid })
const agent = await system.spawn(arm, { id: 'arm', durability: 'checkpoint' })

for (const part of ['gear', 'wet soap', 'shaft']) agent.send({ type: 'pick', part })
await agent.until((snapshot) => snapshot.context.picked.includes('shaft'), { timeoutMs: 1000 })
// → restart 1 from checkpoint

console.log(agent.snapshot.context.picked.join(', ')) // → gear, shaft
const [letter] = system.deadLetters.recent
console.log(letter?.event.type, letter?.reason) // → pick crashed

await system.close()
await grid.close()
