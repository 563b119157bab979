import type { AgentInfo, CoreHooks } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import { NO_TRACE } from './span-context.ts'

/** What runs right now, synchronously: the innermost transition, or the first actions of an agent. No AsyncLocalStorage, so after an `await` nobody runs here. */
export interface Running {
  readonly agent: AgentInfo
  readonly trace: TraceContext
}

/** Transitions within transitions, at most; deeper ones are not told apart. */
const MAX_DEPTH = 64

/** The transitions that have begun and not ended, innermost last. */
export class Current {
  readonly #agents: (AgentInfo | undefined)[] = []
  readonly #traces: (TraceContext | undefined)[] = []
  #depth = 0
  /** Is told whenever what runs has changed. */
  watch: ((running: Running | undefined, depth: number) => void) | undefined

  get running(): Running | undefined {
    const agent = this.#agents[this.#depth - 1]
    const trace = this.#traces[this.#depth - 1]
    return agent === undefined || trace === undefined ? undefined : { agent, trace }
  }

  begin(agent: AgentInfo, trace: TraceContext): void {
    // An agent cannot be in two transitions at once: the end of the one before was never told.
    if (this.#depth > 0) this.#drop(this.#agents.indexOf(agent))
    if (this.#depth === MAX_DEPTH) return
    this.#agents[this.#depth] = agent
    this.#traces[this.#depth] = trace
    this.#depth += 1
    this.watch?.(this.running, this.#depth)
  }

  end(trace: TraceContext | undefined): void {
    const top = this.#depth - 1
    if (top >= 0) this.#drop(this.#traces[top] === trace ? top : this.#traces.indexOf(trace))
  }

  /** All from there on. */
  #drop(from: number): void {
    if (from < 0) return
    for (let i = from; i < this.#depth; i++) this.#agents[i] = this.#traces[i] = undefined
    this.#depth = from
    this.watch?.(this.running, this.#depth)
  }
}

/** Tells `current` of an agent's first actions, which are no transition. */
export function startingHooks(current: Current): Pick<CoreHooks, 'onStarting' | 'onStarted'> {
  return {
    onStarting: (agent, trace) => current.begin(agent, trace ?? NO_TRACE),
    onStarted: (_, trace) => current.end(trace ?? NO_TRACE),
  }
}

/** Tells `current` what runs where no recorder does: contexts pass through unchanged, so it is that of the cause, if there is one. */
export function currentHooks(current: Current): CoreHooks {
  return {
    onTransitionStart({ agent, trace }) {
      current.begin(agent, trace ?? NO_TRACE)
      return undefined
    },
    onTransitionEnd: ({ trace }) => current.end(trace ?? NO_TRACE),
  }
}
