import type { Clock, TimerHandle } from '@stigmergy/grid'
import type { Resting } from '../durability/kept.ts'
import { NOTHING_DOZES } from '../cell/host.ts'
import type { Dreams } from './owner.ts'
import { LONGEST_TIMER_MS } from '../deadlines.ts'
import type { DozingTimer } from '../cell/tree.ts'

/** Of one that was restored. */
export const NO_DREAMS: Dreams = { dozing: NOTHING_DOZES, trace: undefined }

/** The agent that sleeps. */
export interface Sleeper {
  /** It is time for one of its delayed events. */
  due(timer: DozingTimer): void
}

/**
 * An agent that sleeps: its state as the bytes that are stored, and what it must be woken for. What others send waits in its inbox,
 * which wakes it.
 */
export class Asleep {
  readonly bytes: Uint8Array
  /** By which right those bytes are stored. */
  readonly resting: Resting
  /** Undefined: it was restored, and has not been told so yet. */
  readonly dreams: Dreams | undefined
  readonly #clock: Clock
  readonly #sleeper: Sleeper
  #alarm: TimerHandle | undefined

  constructor(bytes: Uint8Array, resting: Resting, dreams: Dreams | undefined, clock: Clock, sleeper: Sleeper) {
    this.bytes = bytes
    this.resting = resting
    this.dreams = dreams
    this.#clock = clock
    this.#sleeper = sleeper
    this.#setAlarm()
  }

  get hasTimers(): boolean {
    return this.dreams !== undefined && this.dreams.dozing.timers.length > 0
  }

  #setAlarm(): void {
    if (!this.hasTimers) return
    let first: DozingTimer | undefined
    for (const timer of this.dreams?.dozing.timers ?? []) if (first === undefined || timer.dueAtMs < first.dueAtMs) first = timer
    if (first === undefined) return
    const next = first
    const leftMs = Math.max(0, next.dueAtMs - this.#clock.now())
    this.#alarm = this.#clock.setTimeout(
      () => {
        if (leftMs > LONGEST_TIMER_MS) this.#setAlarm()
        else this.#sleeper.due(next)
      },
      Math.min(leftMs, LONGEST_TIMER_MS),
    )
  }

  /** It is awake, or over. */
  close(): void {
    if (this.#alarm !== undefined) this.#clock.clearTimeout(this.#alarm)
  }
}
