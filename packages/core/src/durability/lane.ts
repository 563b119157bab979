import type { Clock, TimerHandle } from '@stigmergy/grid'
import { LONGEST_TIMER_MS } from '../deadlines.ts'
import type { Attempt, Doer, EffectOrigin, OutboxEntry } from './outbox.ts'

export interface LaneOptions {
  readonly clock: Clock
  readonly doer: Doer
  /** How long one effect is tried. */
  readonly giveUpMs: number
  /** Who causes it. `oldest`: the first one of the lane that is not done. */
  origin(entry: OutboxEntry, oldest: OutboxEntry): EffectOrigin
  /** It is done, or lost for good. */
  ended(entry: OutboxEntry): void
}

interface Waiting {
  readonly entry: OutboxEntry
  /** Until when it is tried; set by the first try. */
  untilMs: number | undefined
  /** Before its next try; 0 before the first one. */
  pauseMs: number
}

const RETRY_MIN_MS = 10
const RETRY_MAX_MS = 1000

/** Effects to one receiver: begun in order, each tried until it is done. */
export class Lane {
  readonly name: string
  /** All that is not done. They come in order, so they stand in order. */
  readonly pending: Set<OutboxEntry> = new Set()
  readonly #options: LaneOptions
  /** What is to be tried. */
  readonly #waiting: Waiting[] = []
  #busy = false
  #closed = false
  /** It works as long as this is not resolved. */
  #working: Promise<void> | undefined
  #pausing = false
  /** What it waits for ends now. */
  #stir: (() => void) | undefined

  constructor(name: string, options: LaneOptions) {
    this.name = name
    this.#options = options
  }

  /** It is committed, so it may be done. */
  release(entry: OutboxEntry): void {
    if (this.pending.has(entry)) this.#offer({ entry, untilMs: undefined, pauseMs: 0 })
  }

  #offer(waiting: Waiting): void {
    if (this.#closed) return
    const last = this.#waiting.at(-1)
    this.#waiting.push(waiting)
    if (last !== undefined && bySeq(last, waiting) > 0) this.#waiting.sort(bySeq)
    if (!this.#busy) this.#working = this.#work()
  }

  async #work(): Promise<void> {
    const { clock, doer, giveUpMs, ended } = this.#options
    this.#busy = true
    while (!this.#closed) {
      const [next] = this.#waiting
      if (next === undefined) break
      if (next.pauseMs > 0) await this.#pause(next.pauseMs)
      // Looked at anew: an older one may have come back.
      const [first] = this.#waiting
      if (first === undefined || this.#closed) break
      first.untilMs ??= clock.now() + giveUpMs
      const tried = this.#try(first)
      // Who never answers must not hold up the others for ever (I8).
      const attempt = typeof tried === 'string' ? tried : await this.#within(first.untilMs - clock.now(), tried)
      if (this.#closed && (attempt === undefined || attempt === 'later')) break
      if (attempt === 'later' && clock.now() < first.untilMs) {
        pauseLonger(first)
        continue
      }
      this.#waiting.splice(this.#waiting.indexOf(first), 1)
      const { effect, trace } = first.entry
      // What a receiver refuses for good is its dead letter already.
      if (attempt === 'later' || attempt === undefined || (attempt === 'lost' && effect.kind !== 'send')) doer.lost(effect, trace)
      if (attempt !== 'accepted') ended(first.entry)
    }
    this.#busy = false
  }

  #try(waiting: Waiting): 'accepted' | Attempt | Promise<Attempt> {
    const { doer, origin, ended, clock } = this.#options
    const { entry } = waiting
    const { effect, trace } = entry
    const [oldest = entry] = this.pending
    const from = origin(entry, oldest)
    if (effect.kind !== 'send') return doer.act(effect, from, trace)
    // Set by the first try. What it waits in the mailbox of its receiver is no try.
    const leftMs = (waiting.untilMs as number) - clock.now()
    return doer.send(effect, from, trace, (attempt) => {
      if (attempt !== 'later') ended(entry)
      else this.#back(waiting, leftMs)
    })
  }

  /** The receiver went before it had handled it, or had no room aside: it waits for the next try, in its old place. */
  #back(waiting: Waiting, leftMs: number): void {
    if (this.#closed || !this.pending.has(waiting.entry)) return
    const { clock, doer, ended } = this.#options
    const { entry } = waiting
    if (leftMs > 0) {
      waiting.untilMs = clock.now() + leftMs
      // Never at once: a receiver that takes it and gives it back would be asked for ever in this same turn of the event loop.
      pauseLonger(waiting)
      this.#offer(waiting)
      return
    }
    doer.lost(entry.effect, entry.trace)
    ended(entry)
  }

  async #pause(ms: number): Promise<void> {
    this.#pausing = true
    await this.#within(ms, undefined)
    this.#pausing = false
  }

  /** Waits for `answer`, at most so long. Undefined: there was none. */
  #within(ms: number, answer: Promise<Attempt> | undefined): Promise<Attempt | undefined> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      let timer: TimerHandle | undefined
      let waits = true
      const over = (attempt: Attempt | undefined): void => {
        if (!waits) return
        waits = false
        if (timer !== undefined) clock.clearTimeout(timer)
        this.#stir = undefined
        resolve(attempt)
      }
      if (ms !== Infinity) timer = clock.setTimeout(() => over(undefined), Math.min(ms, LONGEST_TIMER_MS))
      this.#stir = () => over(undefined)
      // It never rejects.
      void answer?.then(over)
    })
  }

  /** Something of it is being done, or is about to be. */
  get busy(): boolean {
    return this.#busy && !this.#pausing
  }

  /** Begins nothing any more. Resolves once what was begun has its answer. */
  rest(): Promise<void> | undefined {
    this.#closed = true
    if (this.#pausing) this.#stir?.()
    return this.#busy ? this.#working : undefined
  }

  /** As `rest`, and waits for no answer either. */
  close(): void {
    this.#closed = true
    this.#stir?.()
  }
}

function pauseLonger(waiting: Waiting): void {
  waiting.pauseMs = waiting.pauseMs === 0 ? RETRY_MIN_MS : Math.min(RETRY_MAX_MS, waiting.pauseMs * 2)
}

function bySeq(a: Waiting, b: Waiting): number {
  return (a.entry.born ?? 0) - (b.entry.born ?? 0) || a.entry.seq - b.entry.seq
}
