import type { Clock, TimerHandle } from '@stigmergy/grid'
import { Excess } from './excess.ts'
import type { ResolvedAlarmsOptions } from './options.ts'
import type { Judge } from './slo-watch.ts'
import { Spread, type InfectedFailure, type SpreadFailure, type SpreadReading, type Step } from './spread.ts'

/** How many times the expected failures the alarm is tuned to find. It finds what lasts above 1.44 times as many. */
const TIMES = 2
const MS_PER_HOUR = 3_600_000
const MAX_FAILURES = 256
/** A failure that causes more than one other spreads. */
const SPREADS_ABOVE = 1
/** How often in the time of a spread it is looked at whether there still is one. */
const LOOKS = 6

/** Failures of all agents of this process: whether there are lastingly more than expected, and whether each makes more than one other. */
export class ErrorWatch {
  readonly #settings: ResolvedAlarmsOptions['errors']
  readonly #clock: Clock
  readonly #judge: Judge
  readonly #excess: Excess
  readonly #spread: Spread
  #last: SpreadFailure | undefined
  #timer: TimerHandle | undefined
  #looksAtMs = 0
  #closed = false

  constructor(settings: ResolvedAlarmsOptions['errors'], clock: Clock, judge: Judge) {
    this.#settings = settings
    this.#clock = clock
    this.#judge = judge
    this.#excess = new Excess(settings.expectedPerHour / MS_PER_HOUR, TIMES, settings.runLength)
    this.#spread = new Spread(settings.spreadMs, MAX_FAILURES)
  }

  get reproduction(): number {
    return this.#spread.reading(this.#clock.now()).reproduction
  }

  get failures(): readonly InfectedFailure[] {
    return this.#spread.failures
  }

  failed(failure: SpreadFailure): void {
    if (this.#closed) return
    this.#last = failure
    this.#excess.add(failure.atMs)
    this.#spread.failed(failure)
    this.#tell()
  }

  /** A transition has ended: what it sent may make others fail. */
  ended(step: Step): void {
    this.#spread.ended(step)
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #tell(): void {
    const nowMs = this.#clock.now()
    const reading = this.#spread.reading(nowMs)
    const { reproduction } = reading
    const spreads = this.#spreads(reading)
    const tooMany = this.#excess.above(nowMs)
    const last = `last ${this.#last?.agentId}: ${this.#last?.message}`
    const expected = `${this.#settings.expectedPerHour} an hour`
    const about = { agentType: '', agentId: undefined, trace: this.#last?.trace } as const
    this.#judge(tooMany, {
      ...about,
      kind: 'errors',
      value: this.#excess.sum(nowMs),
      limit: this.#excess.cusum.h,
      message: tooMany ? `failures above ${expected}, ${last}` : `failures are no longer above ${expected}`,
    })
    this.#judge(spreads, {
      ...about,
      kind: 'spread',
      value: reproduction,
      limit: SPREADS_ABOVE,
      message: spreads
        ? `failures spread: ${reproduction.toFixed(1)} more for each one that began by itself, ${last}`
        : 'failures no longer spread',
    })
    // While nothing is raised there is nothing to clear, so no timer runs.
    const endsAtMs = tooMany ? this.#excess.endsAtMs : Infinity
    if (tooMany || spreads) this.#lookAgain(Math.min(endsAtMs, spreads ? nowMs + this.#settings.spreadMs / LOOKS : Infinity))
  }

  #spreads({ reproduction, secondary }: Pick<SpreadReading, 'reproduction' | 'secondary'>): boolean {
    return reproduction > SPREADS_ABOVE && secondary >= this.#settings.minSecondary
  }

  #lookAgain(atMs: number): void {
    // Sooner only: at the time it looks it finds out whether that is soon enough.
    if (this.#timer !== undefined && this.#looksAtMs <= atMs) return
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#looksAtMs = atMs
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined
        this.#tell()
      },
      Math.max(1, Math.ceil(atMs - this.#clock.now())),
    )
    // An alarm that nobody waits for holds no process (I8). Timers of a virtual clock hold none.
    ;(this.#timer as { readonly unref?: () => void } | undefined)?.unref?.()
  }
}
