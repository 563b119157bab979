/**
 * Names of spans and attributes, in one place. Names of spans are of low cardinality: agent types and state paths, never ids.
 * Messaging attributes: OpenTelemetry semantic conventions, https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */

/** Every kind of span: how it is named -> when it is made. The README's table is kept equal by a test. */
export const SPANS = {
  '{agent.type} {from} -> {to}':
    'One macrostep of an agent: an event was taken from the mailbox and its effects ran. Error status if it threw.',
  '{agent.type} failed': 'The supervisor decided about a failure: a point in time, in the trace of the event that failed.',
  '{agent.type} restarted': 'The agent came back after a failure: a point in time, in the trace of the event that failed.',
  '{agent.type} violation': 'A state tagged `violation` was entered: a point in time, in the transition that enters it.',
  'trace truncated': 'Instead of the spans of a trace that are over `maxSpansPerTrace`: a point in time, once per process.',
  '{name given to startTrace}': 'The root of a pipeline, made where a sensor reading enters.',
} as const

/** Every attribute of our spans -> what it holds. The README's table is kept equal by a test. */
export const ATTRIBUTES = {
  'agent.id': 'Id of the agent.',
  'agent.type': 'Type of the agent.',
  'agent.system': 'Name of the system the agent lives in, where it has one: see `forSystem`.',
  'agent.stage': 'Stage of the pipeline: `stage` of the agent, else of the tag `stage:<name>` of the state entered or left.',
  'agent.event': 'Type of the event.',
  'agent.state.from': 'State before, as a path: `picking.reach`, `a.x|b.y` for parallel states. The recorder cuts it after 1,024 letters.',
  'agent.state.to': 'State after, as a path.',
  'agent.restarts': 'How often the agent was restarted before.',
  'agent.mailbox.wait_ms': 'Milliseconds the event waited in the mailbox.',
  'agent.violation': 'The state tagged `violation` that was entered, as a path; of a child of the agent after its id: `gripper/closed`.',
  'agent.failure.decision': 'What the supervisor decided: `restart`, `escalate` or `stop`.',
  'agent.failure.delay_ms': 'Backoff before the restart in milliseconds.',
  'agent.restored.from': 'Where the state came from after a restart: `checkpoint` or `initial`.',
  'agent.plan.id': 'Id of the plan the work belongs to, as `startTrace` or `plan` told it.',
  'agent.keep.reason': 'Why the trace was kept, on the first span of each process; not on traces of the base share.',
  'agent.trace.max_spans': 'The bound on spans of a trace that was reached.',
  'messaging.system': 'Always `stigmergy`. On transitions that have a cause in the same trace.',
  'messaging.operation.type': 'Always `process`. On transitions that have a cause in the same trace.',
  'messaging.destination.template': 'Type of the agent whose mailbox it was. On transitions that have a cause in the same trace.',
  'messaging.message.conversation_id': 'Id of the plan, where there is one. On transitions that have a cause in the same trace.',
} as const

/**
 * More attributes of transitions, with the option `genAi`: the names of OpenTelemetry's conventions for generative AI. They are not stable
 * ("Development"), so they are an option and pinned to one version.
 * Source: semantic-conventions-genai 0.1.0, gen-ai-agent-spans.
 */
export const GEN_AI_ATTRIBUTES = {
  'gen_ai.operation.name': '`plan` for an agent of the stage planning, else `invoke_agent`.',
  'gen_ai.agent.name': 'Type of the agent.',
  'gen_ai.conversation.id': 'Id of the plan, where there is one.',
} as const

/** A key of {@link ATTRIBUTES}. */
export type AttributeName = keyof typeof ATTRIBUTES

/** `{"picking":"reach"}` -> `picking.reach`; `{"a":"x","b":{"y":"z"}}` -> `a.x|b.y.z`; `idle` stays. */
export function statePath(value: string): string {
  if (!value.startsWith('{')) return value
  try {
    return pathOf(JSON.parse(value)) || value
  } catch {
    return value
  }
}

function pathOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, inner]) => {
      const path = pathOf(inner)
      return path === '' ? name : `${name}.${path}`
    })
    .join('|')
}

/** Name of a transition's span, from the state paths before and after. */
export function transitionName(agentType: string, from: string, to: string): string {
  return `${agentType} ${from} -> ${to}`
}
