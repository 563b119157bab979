import type { AgentInfo } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import type { MetricHooks, MetricRow } from '../metric-hooks.ts'
import type { AgentRow } from './agents.ts'
import { ENDED } from './ended.ts'
import type { Recorder } from './recorder.ts'

/** Transitions that wait, at most. */
const MOST = 32
/** Transitions that being told of others causes, at most, until all are written: one for each would never end. */
const MOST_CAUSED = 1024
/** What one takes of each array. */
const REFS = 7
const NO_TAGS: ReadonlySet<string> = new Set()

/** What is known of an agent, found by one look-up. */
export interface Watched {
  readonly agent: AgentInfo
  readonly recorded: AgentRow
  readonly measured: MetricRow
  /** Are told of its transitions after the recorder. */
  readonly metrics: MetricHooks
}

export interface StagedOptions {
  /** Calls what it is given soon, when the turn that runs now has ended. @default nothing waits: all is written at once */
  readonly soon?: ((settle: () => void) => void) | undefined
  /** A transition could not be written. @default nobody wants to know */
  readonly lost?: ((transitions: number) => void) | undefined
}

/**
 * Transitions that have ended and wait for a moment to be written, at most 32 of them and to the end of the turn (I6). A transition's own
 * work drives the code and the memory of the recorder out of the processor's caches, so writing one record costs more alone than in
 * a row. Who reads or adds anything settles first, so on this thread nobody sees that something waits. What was written stays
 * in its place until another takes it.
 */
export class Staged {
  readonly #recorder: Recorder
  readonly #soon: StagedOptions['soon']
  readonly #lost: StagedOptions['lost']
  readonly #refs: unknown[] = Array.from({ length: MOST * REFS })
  readonly #numbers = new Float64Array(MOST * ENDED.size)
  /** So many are written at once. */
  readonly #batch: number
  #count = 0
  /** A bit for each that has tags. */
  #tagged = 0
  /** A bit for each whose event was ignored, and for each that says of an entry of the world that it was put: then when. */
  #ignored = 0
  #world = 0
  readonly #worldAtMs = new Float64Array(MOST)
  /** Errors of those that failed, by their places. */
  readonly #errors = new Map<number, unknown>()
  #settling = false
  #writing = false
  #asked = false
  /** What somebody caused who was told of what is being written: it comes after all that wait. */
  readonly #caused: Parameters<Staged['add']>[] = []

  constructor(recorder: Recorder, { soon, lost }: StagedOptions) {
    this.#recorder = recorder
    this.#soon = soon
    this.#lost = lost
    this.#batch = soon === undefined ? 1 : MOST
  }

  /** A transition has ended. */
  add(
    row: Watched,
    event: string,
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
    if (this.#writing) {
      const times = [enqueuedAtMs, startedAtMs, restarts, endedAtMs] as const
      return this.#postpone([row, event, ...times, from, to, tagsBefore, tagsAfter, error, context, ignored, worldAtMs])
    }
    const count = this.#count
    const refs = this.#refs
    const numbers = this.#numbers
    const ref = count * REFS
    const number = count * ENDED.size
    refs[ref] = row
    refs[ref + 1] = event
    refs[ref + 2] = from
    refs[ref + 3] = to
    refs[ref + 4] = context
    numbers[number + ENDED.enqueuedAtMs] = enqueuedAtMs
    numbers[number + ENDED.startedAtMs] = startedAtMs
    numbers[number + ENDED.endedAtMs] = endedAtMs
    numbers[number + ENDED.restarts] = restarts
    this.#count = count + 1
    // Most have no tags and no error, and each store of an object is a look at where it lies.
    if (tagsBefore.size + tagsAfter.size > 0) {
      refs[ref + 5] = tagsBefore
      refs[ref + 6] = tagsAfter
      this.#tagged |= 1 << count
    }
    if (ignored) this.#ignored |= 1 << count
    if (worldAtMs !== undefined) {
      this.#worldAtMs[count] = worldAtMs
      this.#world |= 1 << count
    }
    if (error !== undefined) this.#fail(count, error)
    else if (count + 1 >= this.#batch) this.settle()
    else if (count === 0) this.#ask()
  }

  /** Writes all that wait, and what that causes. Never throws. */
  settle(): void {
    if (this.#count === 0 || this.#settling) return
    this.#settling = true
    this.#writeRow()
    // It grows while what each of them causes is added at its end.
    for (const end of this.#caused) {
      this.add(...end)
      this.#writeRow()
    }
    this.#caused.length = 0
    this.#settling = false
  }

  #writeRow(): void {
    this.#writing = true
    let next = 0
    while (next < this.#count) {
      try {
        while (next < this.#count) this.#write(next++)
      } catch {
        // Nobody is there to be told: the agent is done with it (I7).
        this.#lost?.(1)
      }
    }
    this.#count = 0
    this.#writing = false
  }

  #postpone(end: Parameters<Staged['add']>): void {
    if (this.#caused.length < MOST_CAUSED) this.#caused.push(end)
    else this.#lost?.(1)
  }

  /** Failures are rare, and may be the last that happens here. */
  #fail(at: number, error: unknown): void {
    this.#errors.set(at, error)
    this.settle()
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#soon?.(() => {
      this.#asked = false
      this.settle()
    })
  }

  #takeError(at: number): unknown {
    const error = this.#errors.get(at)
    this.#errors.delete(at)
    return error
  }

  #write(at: number): void {
    const refs = this.#refs
    const numbers = this.#numbers
    const ref = at * REFS
    const { agent, recorded, measured, metrics } = refs[ref] as Watched
    const event = refs[ref + 1] as string
    const number = at * ENDED.size
    const enqueuedAtMs = numbers[number + ENDED.enqueuedAtMs] as number
    const startedAtMs = numbers[number + ENDED.startedAtMs] as number
    const from = refs[ref + 2] as string
    const to = refs[ref + 3] as string
    const context = refs[ref + 4] as TraceContext | undefined
    const tagged = ((this.#tagged >>> at) & 1) === 1
    this.#tagged &= ~(1 << at)
    const tagsBefore = tagged ? (refs[ref + 5] as ReadonlySet<string>) : NO_TAGS
    const tagsAfter = tagged ? (refs[ref + 6] as ReadonlySet<string>) : NO_TAGS
    const ignored = ((this.#ignored >>> at) & 1) === 1
    const world = ((this.#world >>> at) & 1) === 1
    this.#ignored &= ~(1 << at)
    this.#world &= ~(1 << at)
    const error = this.#errors.size === 0 ? undefined : this.#takeError(at)
    this.#recorder.end(recorded, event, numbers, number, from, to, tagsBefore, tagsAfter, error, context)
    // Most transitions have nothing more to measure: no object is made for them.
    if (!metrics.transition(measured, agent, event, enqueuedAtMs, startedAtMs, tagsBefore, tagsAfter, error, ignored, world)) return
    metrics.measure(measured, {
      agent,
      event,
      enqueuedAtMs,
      startedAtMs,
      restarts: numbers[number + ENDED.restarts] as number,
      endedAtMs: numbers[number + ENDED.endedAtMs] as number,
      from,
      to,
      tagsBefore,
      tagsAfter,
      error,
      context,
      ignored,
      worldAtMs: world ? (this.#worldAtMs[at] as number) : undefined,
    })
  }
}
