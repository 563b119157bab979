import type { GEN_AI_ATTRIBUTES } from '../names.ts'
import type { RecordedSpan } from './recorded-span.ts'

type GenAi = { -readonly [name in keyof typeof GEN_AI_ATTRIBUTES]?: string }

/** The same span with the names of the conventions for generative AI beside our own. Only transitions: they are what an agent does. */
export function withGenAi(span: RecordedSpan): RecordedSpan {
  const { 'agent.type': type, 'agent.stage': stage, 'agent.plan.id': plan, 'agent.state.to': to } = span.attributes
  if (typeof type !== 'string' || to === undefined) return span
  const own: GenAi = { 'gen_ai.operation.name': stage === 'planning' ? 'plan' : 'invoke_agent', 'gen_ai.agent.name': type }
  if (typeof plan === 'string') own['gen_ai.conversation.id'] = plan
  return { ...span, attributes: { ...span.attributes, ...own } }
}
