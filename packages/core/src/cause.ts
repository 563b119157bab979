import type { TraceContext } from '@stigmergy/grid'
import type { AnyMachineSnapshot } from 'xstate'
import type { Envelope } from './envelope.ts'
import type { AgentInfo, TransitionEnd, TransitionStart } from './hooks.ts'
import type { Services } from './services.ts'

/** A state value as text: `idle`, `{"picking":"reach"}`. */
function stateText(snapshot: AnyMachineSnapshot): string {
  const value: unknown = snapshot.value
  return typeof value === 'string' ? value : JSON.stringify(value)
}

// Field by field: on this path two spreads of objects cost more than the step itself.
function endOf(
  start: TransitionStart,
  endedAtMs: number,
  before: AnyMachineSnapshot,
  after: AnyMachineSnapshot,
  error: unknown,
  context: TraceContext | undefined,
): TransitionEnd {
  const { agent, event, trace, enqueuedAtMs, startedAtMs, restarts } = start
  const from = stateText(before)
  const to = stateText(after)
  const { tags: tagsBefore } = before
  const { tags: tagsAfter } = after
  return { agent, event, trace, enqueuedAtMs, startedAtMs, restarts, endedAtMs, from, to, tagsBefore, tagsAfter, error, context }
}

/** Who caused what: sets `grid.trace.current` around each step of an agent, and tells the hooks of it. */
export class Cause {
  readonly #agent: AgentInfo
  readonly #services: Services
  /** Context of the last event from outside: the cause also of what the agent's own timers and children do. */
  #last: TraceContext | undefined
  #outer: TraceContext | undefined
  #start: TransitionStart | undefined
  #returned: TraceContext | undefined

  constructor(agent: AgentInfo, services: Services) {
    this.#agent = agent
    this.#services = services
  }

  get last(): TraceContext | undefined {
    return this.#last
  }

  /** Runs `fn` as caused by `trace`. */
  run(trace: TraceContext | undefined, fn: () => void): void {
    const slot = this.#services.grid.trace
    const outer = slot.current
    slot.current = this.#last = trace
    try {
      fn()
    } finally {
      slot.current = outer
    }
  }

  /** A step begins. `envelope`: undefined for the agent's own events. */
  begin(event: string, envelope: Envelope | undefined, restarts: number): void {
    const { grid, guests, clock } = this.#services
    this.#outer = grid.trace.current
    if (envelope !== undefined) this.#last = envelope.trace
    grid.trace.current = this.#last
    if (!guests.watching) return
    const startedAtMs = clock.now()
    const enqueuedAtMs = envelope?.enqueuedAtMs ?? startedAtMs
    this.#start = { agent: this.#agent, event, trace: this.#last, enqueuedAtMs, startedAtMs, restarts }
    this.#returned = guests.transitionStart(this.#start)
    if (this.#returned === undefined) return
    grid.trace.current = this.#returned
    if (envelope !== undefined) this.#last = this.#returned
  }

  /** The step that began has ended. Returns the context it ran under. */
  end(before: AnyMachineSnapshot, after: AnyMachineSnapshot, error: unknown): TraceContext | undefined {
    const { grid, guests, clock } = this.#services
    const context = grid.trace.current
    grid.trace.current = this.#outer
    this.#outer = undefined
    const start = this.#start
    if (start === undefined) return context
    this.#start = undefined
    if (guests.watchingEnds) guests.transitionEnd(endOf(start, clock.now(), before, after, error, this.#returned))
    return context
  }
}
