import type { AgentInfo } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import type { MetricHooks, MetricRow } from '../metric-hooks.ts'
import type { AgentRow } from './agents.ts'
import { ENDED } from './ended.ts'
import type { Recorder } from './recorder.ts'

/** Transitions that wait, at most. */
const MOST = 32
/** With those that being told of them causes, at most, until all are written: one for each would never end. */
const PLACES = MOST + 1024
/** That many never wait. */
const NEVER = PLACES + 1
/** References of one: its row, event, the states before and after, context, the tags before and after. */
const REFS = 7
/** What few have: tags; an event that was ignored; when an entry of the world was put; an error. */
const RARE = { tags: 1, ignored: 2, world: 4, failed: 8 } as const
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
  readonly #refs: unknown[] = Array.from({ length: PLACES * REFS })
  readonly #numbers = new Float64Array(PLACES * ENDED.size)
  readonly #recorder: Recorder
  readonly #soon: StagedOptions['soon']
  readonly #lost: StagedOptions['lost']
  /** So many are written at once. */
  readonly #batch: number
  /** So many as wait make it time to write. While that is done nothing does: what it causes comes after all that wait. */
  #enough: number
  #count = 0
  /** Of each: see {@link RARE}. */
  readonly #rare = new Uint8Array(PLACES)
  readonly #worldAtMs = new Float64Array(PLACES)
  /** Errors of those that failed, by their places. */
  readonly #errors = new Map<number, unknown>()
  #asked = false

  constructor(recorder: Recorder, { soon, lost }: StagedOptions) {
    this.#recorder = recorder
    this.#soon = soon
    this.#lost = lost
    this.#batch = soon === undefined ? 1 : MOST
    this.#enough = this.#batch
  }

  /**
   * The place of a transition that has ended; -1 if there is none, which is counted. What there is to say of it is told by several small
   * functions, which V8 makes part of who calls them: a number that is handed to a large one becomes an object on the way.
   */
  claim(): number {
    return this.#count < PLACES ? this.#count : this.#refuse()
  }

  /** Who did what. Before {@link Staged.commit}. */
  say(at: number, row: Watched, event: string, from: string, to: string, context: TraceContext | undefined): void {
    const refs = this.#refs
    const ref = at * REFS
    refs[ref] = row
    refs[ref + 1] = event
    refs[ref + 2] = from
    refs[ref + 3] = to
    refs[ref + 4] = context
  }

  /** When. Before {@link Staged.commit}. */
  time(at: number, enqueuedAtMs: number, startedAtMs: number, endedAtMs: number, restarts: number): void {
    const numbers = this.#numbers
    const number = at * ENDED.size
    numbers[number + ENDED.enqueuedAtMs] = enqueuedAtMs
    numbers[number + ENDED.startedAtMs] = startedAtMs
    numbers[number + ENDED.endedAtMs] = endedAtMs
    numbers[number + ENDED.restarts] = restarts
  }

  /** What there is to say stands at that place. */
  commit(at: number): void {
    this.#count = at + 1
    if (at === 0 || at + 1 >= this.#enough) this.#turn()
  }

  /** What few have; `tagged`: one of the two has tags. Last before {@link Staged.commit}. */
  mark(
    at: number,
    tagged: boolean,
    tagsBefore: ReadonlySet<string>,
    tagsAfter: ReadonlySet<string>,
    ignored: boolean,
    worldAtMs: number | undefined,
    error: unknown,
  ): void {
    let rare = ignored ? RARE.ignored : 0
    if (tagged) {
      rare |= RARE.tags
      this.#refs[at * REFS + 5] = tagsBefore
      this.#refs[at * REFS + 6] = tagsAfter
    }
    if (worldAtMs !== undefined) {
      rare |= RARE.world
      this.#worldAtMs[at] = worldAtMs
    }
    if (error !== undefined) {
      rare |= RARE.failed
      this.#errors.set(at, error)
      // It may be the last that happens here. What is caused while others are written is written with them anyway.
      if (this.#enough !== NEVER) this.#enough = at + 1
    }
    this.#rare[at] = rare
  }

  /** Writes all that wait, and what that causes. Never throws. */
  settle(): void {
    if (this.#count === 0 || this.#enough === NEVER) return
    this.#enough = NEVER
    let next = 0
    // It grows while what each of them causes is added at its end.
    while (next < this.#count) {
      try {
        while (next < this.#count) this.#write(next++)
      } catch {
        // Nobody is there to be told: the agent is done with it (I7).
        this.#lost?.(1)
      }
    }
    // Places that only a burst as large would take again.
    if (this.#count > MOST) this.#refs.fill(undefined, MOST * REFS, this.#count * REFS)
    this.#count = 0
    this.#enough = this.#batch
  }

  #turn(): void {
    if (this.#count >= this.#enough) this.settle()
    else if (!this.#asked) this.#ask()
  }

  #ask(): void {
    this.#asked = true
    this.#soon?.(() => {
      this.#asked = false
      this.settle()
    })
  }

  #refuse(): number {
    this.#lost?.(1)
    return -1
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
    const rare = this.#rare[at] as number
    this.#rare[at] = 0
    const tagged = (rare & RARE.tags) !== 0
    const tagsBefore = tagged ? (refs[ref + 5] as ReadonlySet<string>) : NO_TAGS
    const tagsAfter = tagged ? (refs[ref + 6] as ReadonlySet<string>) : NO_TAGS
    const ignored = (rare & RARE.ignored) !== 0
    const world = (rare & RARE.world) !== 0
    const error = (rare & RARE.failed) === 0 ? undefined : this.#takeError(at)
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
