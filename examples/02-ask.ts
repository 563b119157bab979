// Ask an agent and wait for its answer, with a deadline.
import { createSystem, isCoreError, type ReplyTo } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { assign, setup } from 'xstate'

type Event = { type: 'add'; amount: number } | { type: 'get'; replyTo: ReplyTo<number> } | { type: 'silent'; replyTo: ReplyTo<number> }

const counter = setup({
  types: { context: {} as { total: number }, events: {} as Event },
}).createMachine({
  id: 'counter',
  context: { total: 0 },
  on: {
    add: { actions: assign({ total: ({ context, event }) => context.total + event.amount }) },
    get: { actions: ({ context, event }) => event.replyTo.send(context.total) },
    silent: {}, // never answers
  },
})

const grid = await openGrid()
const system = createSystem({ grid })
const agent = await system.spawn(counter, { id: 'counter' })

agent.send({ type: 'add', amount: 2 })
agent.send({ type: 'add', amount: 40 })
const total = await agent.ask<number>((replyTo) => ({ type: 'get', replyTo }), { timeoutMs: 1000 })
console.log(total) // → 42

try {
  await agent.ask<number>((replyTo) => ({ type: 'silent', replyTo }), { timeoutMs: 20 })
} catch (error) {
  console.log(isCoreError(error, 'ASK_TIMEOUT')) // → true
}

await system.close()
await grid.close()
