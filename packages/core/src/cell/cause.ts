import type { TraceContext } from '@stigmergy/grid'
import type { AnyMachineSnapshot } from 'xstate'
import { worldAtMs, type Envelope } from '../mailbox/envelope.ts'
import type { AgentInfo } from '../hooks.ts'
import type { Question } from '../mailbox/question.ts'
import type { Services } from '../services.ts'

/** A state value as text: `idle`, `{"picking":"reach"}`. */
function stateText(snapshot: AnyMachineSnapshot): string {
  const value: unknown = snapshot.value
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A step that is running: what was before it, and what the hooks are told at its end. */
interface Frame {
  trace: TraceContext | undefined
  agentId: string | undefined
  question: Question | undefined
  told: boolean
  event: string
  cause: TraceContext | undefined
  enqueuedAtMs: number
  startedAtMs: number
  restarts: number
  worldAtMs: number | undefined
  returned: TraceContext | undefined
}

/** The steps that are running, one inside the other. Used again and again: on this path an object costs as much as the record of it. */
export class Frames {
  readonly #frames: Frame[] = []
  #depth = 0

  push(): Frame {
    let frame = this.#frames[this.#depth]
    if (frame === undefined) {
      frame = {
        trace: undefined,
        agentId: undefined,
        question: undefined,
        told: false,
        event: '',
        cause: undefined,
        enqueuedAtMs: 0,
        startedAtMs: 0,
        restarts: 0,
        worldAtMs: undefined,
        returned: undefined,
      }
      this.#frames.push(frame)
    }
    this.#depth += 1
    return frame
  }

  pop(): Frame {
    this.#depth -= 1
    return this.#frames[this.#depth] as Frame
  }
}

/** Who caused what: sets `grid.trace.current` around each step of an agent, and tells the hooks of it. */
export class Cause {
  readonly agent: AgentInfo
  readonly #services: Services
  /** Context of the last event from outside: the cause also of what the agent's own timers and children do. */
  #last: TraceContext | undefined
  /** The question that came with it. */
  #question: Question | undefined
  /** The state as text, of the snapshot it was last asked for: one step's `to` is the next one's `from`. */
  #textOf: AnyMachineSnapshot | undefined
  #text = ''

  constructor(agent: AgentInfo, services: Services) {
    this.agent = agent
    this.#services = services
  }

  get last(): TraceContext | undefined {
    return this.#last
  }

  /** What the agent's own events do from now on is caused by `trace`. */
  because(trace: TraceContext | undefined): void {
    this.#last = trace
  }

  /** Runs `fn`, the agent's first actions, as caused by `trace`. */
  run(trace: TraceContext | undefined, fn: () => void): void {
    this.#last = trace
    const frame = this.#enter()
    frame.told = false
    const { grid, guests } = this.#services
    guests.tell('onStarting', this.agent, trace)
    grid.trace.current = trace
    try {
      fn()
    } finally {
      this.#leave()
      guests.tell('onStarted', this.agent, trace)
    }
  }

  /** A step begins. `envelope`: undefined for the agent's own events. */
  begin(event: string, envelope: Envelope | undefined, restarts: number): void {
    const { grid, guests, clock } = this.#services
    if (envelope !== undefined) {
      this.#last = envelope.trace
      this.#question = envelope.sender?.question
    }
    const frame = this.#enter()
    grid.trace.current = this.#last
    frame.told = guests.watching
    if (!guests.watching) return
    const startedAtMs = clock.now()
    const enqueuedAtMs = envelope?.enqueuedAtMs ?? startedAtMs
    frame.event = event
    frame.cause = this.#last
    frame.enqueuedAtMs = enqueuedAtMs
    frame.startedAtMs = startedAtMs
    frame.restarts = restarts
    frame.worldAtMs = envelope && worldAtMs(envelope)
    frame.returned = guests.transitionStart(this.agent, event, this.#last, enqueuedAtMs, startedAtMs, restarts)
    if (frame.returned === undefined) return
    grid.trace.current = frame.returned
    if (envelope !== undefined) this.#last = frame.returned
  }

  /** The step that began has ended. `ignored`: nothing came of its event. Returns the context it ran under. */
  end(before: AnyMachineSnapshot, after: AnyMachineSnapshot, error: unknown, ignored = false): TraceContext | undefined {
    const { grid, guests, clock } = this.#services
    const context = grid.trace.current
    const { told, event, cause, enqueuedAtMs, startedAtMs, restarts, worldAtMs: at, returned } = this.#leave()
    if (!told || !guests.watchingEnds) return context
    const endedAtMs = clock.now()
    const from = this.#stateText(before)
    guests.transitionEnd(
      this.agent,
      event,
      cause,
      enqueuedAtMs,
      startedAtMs,
      restarts,
      endedAtMs,
      from,
      this.#stateText(after),
      before.tags,
      after.tags,
      error,
      returned,
      ignored,
      at,
    )
    return context
  }

  #enter(): Frame {
    const { turn, grid, frames } = this.#services
    const frame = frames.push()
    frame.trace = grid.trace.current
    frame.agentId = turn.agentId
    frame.question = turn.question
    turn.agentId = this.agent.id
    turn.question = this.#question
    return frame
  }

  #leave(): Frame {
    const { turn, grid, frames } = this.#services
    const frame = frames.pop()
    grid.trace.current = frame.trace
    turn.agentId = frame.agentId
    turn.question = frame.question
    frame.trace = undefined
    frame.question = undefined
    return frame
  }

  #stateText(snapshot: AnyMachineSnapshot): string {
    if (snapshot !== this.#textOf) {
      this.#textOf = snapshot
      this.#text = stateText(snapshot)
    }
    return this.#text
  }
}
