import type { Clock, TimerHandle } from '@stigmergy/grid'
import { CountedWindows } from './counted-windows.ts'
import type { ResolvedAlarmsOptions } from './options.ts'
import type { Judge } from './slo-watch.ts'
import { Spread, type InfectedFailure, type SpreadFailure } from './spread.ts'

/** How many times the expected failures the alarm is tuned to find. */
const TIMES = 10
const MAX_FAILURES = 256
/** A failure that causes more than one other spreads. */
const SPREADS_ABOVE = 1

/** Failures of all agents: how many they are in a window of time, and whether each makes more than one other. */
export class ErrorWatch {
  readonly #settings: ResolvedAlarmsOptions['errors']
  readonly #clock: Clock
  readonly #judge: Judge
  readonly #windows: CountedWindows
  readonly #spread: Spread
  #last: SpreadFailure | undefined
  #timer: TimerHandle | undefined
  #closed = false

  constructor(settings: ResolvedAlarmsOptions['errors'], clock: Clock, judge: Judge) {
    this.#settings = settings
    this.#clock = clock
    this.#judge = judge
    this.#windows = new CountedWindows((settings.expectedPerHour * settings.windowMs) / 3_600_000, TIMES, settings.runLength)
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
    this.#windows.add()
    this.#spread.failed(failure)
    // At once: an infection does not wait for the end of a window.
    this.#tell(this.#windows.reached)
    this.#timer ??= this.#clock.setTimeout(() => this.#end(), this.#settings.windowMs)
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #end(): void {
    this.#timer = undefined
    const { above } = this.#windows.end()
    this.#tell(above)
    // While nothing is to be remembered an empty window changes nothing, so no timer runs.
    if (this.#windows.idle && this.#spread.reading(this.#clock.now()).secondary === 0) return
    this.#timer = this.#clock.setTimeout(() => this.#end(), this.#settings.windowMs)
  }

  #tell(tooMany: boolean): void {
    const { reproduction, secondary } = this.#spread.reading(this.#clock.now())
    const spreads = reproduction > SPREADS_ABOVE && secondary >= this.#settings.minSecondary
    const message = spreads
      ? `failures spread: ${reproduction.toFixed(1)} more for each one that began by itself, last ${this.#last?.agentId}: ${this.#last?.message}`
      : `failures above ${this.#settings.expectedPerHour} an hour, last ${this.#last?.agentId}: ${this.#last?.message}`
    const [value, limit] = spreads ? [reproduction, SPREADS_ABOVE] : [this.#windows.sum, this.#windows.cusum.h]
    const about = { kind: 'errors', agentType: '', agentId: undefined } as const
    this.#judge(tooMany || spreads, { ...about, value, limit, trace: this.#last?.trace, message })
  }
}
