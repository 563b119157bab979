import type { TraceContext } from '@stigmergy/grid'
import type { AnyMachineSnapshot } from 'xstate'
import type { Envelope } from './envelope.ts'
import type { AgentInfo } from './hooks.ts'
import type { Question } from './question.ts'
import type { Services } from './services.ts'

/** A state value as text: `idle`, `{"picking":"reach"}`. */
function stateText(snapshot: AnyMachineSnapshot): string {
  const value: unknown = snapshot.value
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Who caused what: sets `grid.trace.current` around each step of an agent, and tells the hooks of it. */
export class Cause {
  readonly #agent: AgentInfo
  readonly #services: Services
  /** Context of the last event from outside: the cause also of what the agent's own timers and children do. */
  #last: TraceContext | undefined
  #outer: TraceContext | undefined
  /** The question that came with it, and whose step was interrupted by this one. */
  #question: Question | undefined
  #outerAgent: string | undefined
  #outerQuestion: Question | undefined
  /** The step that is running, for the hooks. Fields, not an object: on this path an object costs as much as the record of it. */
  #told = false
  #event = ''
  #trace: TraceContext | undefined
  #enqueuedAtMs = 0
  #startedAtMs = 0
  #restarts = 0
  #returned: TraceContext | undefined
  /** The state as text, of the snapshot it was last asked for: one step's `to` is the next one's `from`. */
  #textOf: AnyMachineSnapshot | undefined
  #text = ''

  constructor(agent: AgentInfo, services: Services) {
    this.#agent = agent
    this.#services = services
  }

  get last(): TraceContext | undefined {
    return this.#last
  }

  /** Runs `fn` as caused by `trace`. */
  run(trace: TraceContext | undefined, fn: () => void): void {
    const { turn, grid } = this.#services
    const slot = grid.trace
    const outer = slot.current
    // Steps may be taken meanwhile: what was before is kept here.
    const { agentId, question } = turn
    slot.current = this.#last = trace
    this.#enter()
    try {
      fn()
    } finally {
      slot.current = outer
      turn.agentId = agentId
      turn.question = question
    }
  }

  /** A step begins. `envelope`: undefined for the agent's own events. */
  begin(event: string, envelope: Envelope | undefined, restarts: number): void {
    const { grid, guests, clock } = this.#services
    this.#outer = grid.trace.current
    if (envelope !== undefined) {
      this.#last = envelope.trace
      this.#question = envelope.sender?.question
    }
    this.#enter()
    grid.trace.current = this.#last
    if (!guests.watching) return
    const startedAtMs = clock.now()
    const enqueuedAtMs = envelope?.enqueuedAtMs ?? startedAtMs
    this.#told = true
    this.#event = event
    this.#trace = this.#last
    this.#enqueuedAtMs = enqueuedAtMs
    this.#startedAtMs = startedAtMs
    this.#restarts = restarts
    this.#returned = guests.transitionStart(this.#agent, event, this.#last, enqueuedAtMs, startedAtMs, restarts)
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
    this.#leave()
    if (!this.#told) return context
    this.#told = false
    if (!guests.watchingEnds) return context
    const endedAtMs = clock.now()
    const from = this.#stateText(before)
    guests.transitionEnd(
      this.#agent,
      this.#event,
      this.#trace,
      this.#enqueuedAtMs,
      this.#startedAtMs,
      this.#restarts,
      endedAtMs,
      from,
      this.#stateText(after),
      before.tags,
      after.tags,
      error,
      this.#returned,
    )
    return context
  }

  #enter(): void {
    const { turn } = this.#services
    this.#outerAgent = turn.agentId
    this.#outerQuestion = turn.question
    turn.agentId = this.#agent.id
    turn.question = this.#question
  }

  #leave(): void {
    const { turn } = this.#services
    turn.agentId = this.#outerAgent
    turn.question = this.#outerQuestion
  }

  #stateText(snapshot: AnyMachineSnapshot): string {
    if (snapshot !== this.#textOf) {
      this.#textOf = snapshot
      this.#text = stateText(snapshot)
    }
    return this.#text
  }
}
