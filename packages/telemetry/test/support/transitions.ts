import type { AgentInfo, TransitionEnd, TransitionStart } from '@stigmergy/core'

export function agentInfo(over: Partial<AgentInfo> = {}): AgentInfo {
  return { id: 'r1', type: 'robot', stage: undefined, ...over }
}

export function startOf(over: Partial<TransitionStart> = {}): TransitionStart {
  return { agent: agentInfo(), event: 'parts.put', trace: undefined, enqueuedAtMs: 100, startedAtMs: 102, restarts: 0, ...over }
}

export function endOf(over: Partial<TransitionEnd> = {}): TransitionEnd {
  const start = startOf(over)
  return {
    ...start,
    endedAtMs: 105,
    from: 'idle',
    to: 'picking',
    tagsBefore: new Set(),
    tagsAfter: new Set(),
    error: undefined,
    context: undefined,
    ignored: false,
    // As of a change that the agent is told of at once.
    worldAtMs: start.event === 'parts.put' ? start.enqueuedAtMs : undefined,
    ...over,
  }
}
