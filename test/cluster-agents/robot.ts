import { put, type MapEvent } from '@stigmergy/core'
import type { GridMap } from '@stigmergy/grid'
import { assign, setup } from 'xstate'

export interface Order {
  readonly count: number
}

export interface RobotContext {
  readonly id: string
  /** Of each order its count. */
  readonly orders: Readonly<Record<string, number>>
  readonly from: string
}

/** Takes orders, and shows its context to all as an entry of a map. */
export function robotOn(contexts: GridMap<RobotContext>) {
  return setup({
    types: { context: {} as RobotContext, events: {} as MapEvent<'orders', Order> | { type: 'agent.restored'; from: string } },
  }).createMachine({
    id: 'robot',
    context: { id: 'r1', orders: {}, from: '' },
    on: {
      'orders.put': {
        actions: [
          assign({ orders: ({ context, event }) => ({ ...context.orders, [event.key]: event.value.count }) }),
          put(contexts, 'r1', ({ context }) => context),
        ],
      },
      'agent.restored': { actions: [assign({ from: ({ event }) => event.from }), put(contexts, 'r1', ({ context }) => context)] },
    },
  })
}
