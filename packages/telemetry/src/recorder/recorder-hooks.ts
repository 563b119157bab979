import type { AgentInfo, CoreHooks, TransitionRecorder } from '@stigmergy/core'
import type { GridHooks, TraceContext } from '@stigmergy/grid'
import type { Current } from '../current.ts'
import type { MetricHooks } from '../metric-hooks.ts'
import type { Recorder } from './recorder.ts'
import type { Staged, Watched } from './staged.ts'

export interface RecorderHooksOptions {
  readonly recorder: Recorder
  /** Where transitions wait to be written into the recorder. */
  readonly staged: Staged
  /** Are told of transitions after the recorder. */
  readonly metrics: MetricHooks
  /** Learns what runs; undefined where nobody asks. */
  readonly current: Current | undefined
  /** Name of the system whose agents these hooks watch. @default it has none */
  readonly system?: string | undefined
}

/** Tells the recorder and the metrics of every transition. */
class Transitions implements TransitionRecorder {
  readonly #recorder: Recorder
  readonly #staged: Staged
  readonly #metrics: MetricHooks
  readonly #current: Current | undefined
  readonly #system: string | undefined
  /** As long as their agents. */
  readonly #rows = new WeakMap<AgentInfo, Watched>()
  #lastAgent: AgentInfo | undefined
  #lastRow: Watched | undefined

  constructor({ recorder, staged, metrics, current, system }: RecorderHooksOptions) {
    this.#recorder = recorder
    this.#staged = staged
    this.#metrics = metrics
    this.#current = current
    this.#system = system
  }

  /** Most often it is the agent of the last time: its mailbox is being emptied. */
  rowOf(agent: AgentInfo): Watched {
    if (agent === this.#lastAgent) return this.#lastRow as Watched
    let row = this.#rows.get(agent)
    if (row === undefined) {
      const metrics = this.#metrics
      row = { agent, recorded: this.#recorder.rowOf(agent, this.#system), measured: metrics.rowOf(agent), metrics }
      this.#rows.set(agent, row)
    }
    this.#lastAgent = agent
    this.#lastRow = row
    return row
  }

  start(agent: AgentInfo, _event: string, trace: TraceContext | undefined): TraceContext {
    const context = this.#recorder.start(trace)
    this.#current?.begin(agent, context)
    return context
  }

  end(
    agent: AgentInfo,
    event: string,
    _trace: TraceContext | undefined,
    enqueuedAtMs: number,
    startedAtMs: number,
    restarts: number,
    endedAtMs: number,
    from: string,
    to: string,
    tagsBefore: ReadonlySet<string>,
    tagsAfter: ReadonlySet<string>,
    error: unknown,
    context: TraceContext | undefined,
    ignored = false,
    worldAtMs?: number,
  ): void {
    this.#current?.end(context)
    // Before a place is taken: what a new row makes others do may write what waits.
    const row = agent === this.#lastAgent ? (this.#lastRow as Watched) : this.rowOf(agent)
    const tagged = tagsBefore.size + tagsAfter.size > 0
    const staged = this.#staged
    const at = staged.claim()
    if (at < 0) return
    staged.say(at, row, event, from, to, context)
    staged.time(at, enqueuedAtMs, startedAtMs, endedAtMs, restarts)
    if (tagged || ignored || worldAtMs !== undefined || error !== undefined)
      staged.mark(at, tagged, tagsBefore, tagsAfter, ignored, worldAtMs, error)
    staged.commit(at)
  }
}

/** Hooks that write all they are told into the recorder. */
export function createRecorderHooks(options: RecorderHooksOptions): { readonly core: CoreHooks; readonly grid: GridHooks } {
  const { recorder } = options
  /** Trace of the failure an agent is being restarted from. One per such agent; forgotten when it is back or stopped (I6). */
  const failedIn = new Map<string, TraceContext>()
  const transitions = new Transitions(options)
  const core: CoreHooks = {
    transitions,
    // The same in the form with objects, for who calls the hooks from elsewhere. Core itself uses `transitions` only.
    onTransitionStart: ({ agent, event, trace }) => transitions.start(agent, event, trace),
    onTransitionEnd: (end) =>
      transitions.end(
        end.agent,
        end.event,
        end.trace,
        end.enqueuedAtMs,
        end.startedAtMs,
        end.restarts,
        end.endedAtMs,
        end.from,
        end.to,
        end.tagsBefore,
        end.tagsAfter,
        end.error,
        end.context,
        end.ignored,
        end.worldAtMs,
      ),
    onViolation: (agent, { state, trace }) => recorder.violation(transitions.rowOf(agent).recorded, state, trace),
    onFailure(failure) {
      if (failure.trace !== undefined && failure.decision.type === 'restart') failedIn.set(failure.agent.id, failure.trace)
      recorder.failure(transitions.rowOf(failure.agent).recorded, failure)
    },
    onRestart(agent, restarts, from) {
      const trace = failedIn.get(agent.id)
      failedIn.delete(agent.id)
      recorder.restart(transitions.rowOf(agent).recorded, restarts, from, trace)
    },
    onStop: (agent) => void failedIn.delete(agent.id),
  }
  return { core, grid: { onChange: (map, change) => recorder.change(map, change.type) } }
}
