import { assign, setup } from 'xstate'

/** Counts, and is told where it was restored from. */
export const counter = setup({
  types: { context: {} as { count: number; from: string }, events: {} as { type: 'up' } | { type: 'agent.restored'; from: string } },
}).createMachine({
  id: 'counter',
  context: { count: 0, from: '' },
  on: {
    up: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    'agent.restored': { actions: assign({ from: ({ event }) => event.from }) },
  },
})
