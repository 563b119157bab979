import { assign, setup, type AnyStateMachine } from 'xstate'
import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'

/** An agent that writes down what it is sent. Spawn it under the id that the agent under test sends to. */
export function probe(): AnyStateMachine {
  return setup({ types: { context: {} as { heard: readonly AgentEvent[] }, events: {} as AgentEvent } }).createMachine({
    id: 'probe',
    context: { heard: [] },
    on: {
      'agent.restored': {},
      '*': { actions: assign({ heard: ({ context, event }) => [...context.heard, event] }) },
    },
  })
}

/** What a probe was sent, in order; nothing, if there is none. Throws `CoreError` BAD_OPTION. */
export function heardBy(agent: { readonly snapshot: unknown } | undefined): readonly AgentEvent[] {
  if (agent !== undefined && (typeof agent !== 'object' || agent === null)) {
    throw new CoreError('BAD_OPTION', `the probe is ${quote(agent)}: give an agent, such as system.agent('planner')`)
  }
  return (agent?.snapshot as { readonly context?: { readonly heard?: readonly AgentEvent[] } } | undefined)?.context?.heard ?? []
}
