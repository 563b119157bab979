import type { Clock, GridMap, TimerHandle } from '@stigmergy/grid'
import { fromPromise, type PromiseActorLogic } from 'xstate'
import { admit, CLOSED, elapse, settle, type Breaker, type BreakerState } from './breaker.ts'
import { Bulkhead } from './bulkhead.ts'
import { functionOption, partsOption, quote } from '../check.ts'
import type { CallOptions, Creator, Dependency, DependencyStats } from './dependency.ts'
import { pauseBefore, type ResolvedDependencyOptions } from './dependency-options.ts'
import { CoreError, isCoreError } from '../errors.ts'
import { guardMap } from './guard-map.ts'
import type { DependencyChange } from '../hooks.ts'
import { waitFor } from '../wait.ts'

export interface DependencyServices {
  readonly clock: Clock
  readonly random: () => number
  changed(change: DependencyChange): void
}

export class GuardedDependency implements Dependency {
  readonly name: string
  readonly #options: ResolvedDependencyOptions
  readonly #services: DependencyServices
  readonly #bulkhead: Bulkhead
  readonly #listeners = new Set<() => void>()
  /** Ends the waits that are under way. */
  readonly #waits = new Set<(error: unknown) => void>()
  #closed: CoreError | undefined
  readonly #counts = { succeeded: 0, failed: 0, timedOut: 0, refusedOpen: 0, refusedBusy: 0, retried: 0 }
  #breaker: Breaker = CLOSED
  #timer: TimerHandle | undefined

  constructor(name: string, options: ResolvedDependencyOptions, services: DependencyServices) {
    this.name = name
    this.#options = options
    this.#services = services
    this.#bulkhead = new Bulkhead(`dependency ${quote(name)}`, options.concurrent, options.waiting)
  }

  get state(): BreakerState {
    return this.#breaker.state
  }

  get up(): boolean {
    return this.state === 'closed' || (this.state === 'half-open' && this.#options.probe === undefined)
  }

  get stats(): DependencyStats {
    return { ...this.#counts, active: this.#bulkhead.active, waiting: this.#bulkhead.waiting }
  }

  /** Calls `fn` when the state has changed. */
  onChange(fn: () => void): () => void {
    this.#listeners.add(fn)
    return () => this.#listeners.delete(fn)
  }

  async call<T>(fn: (signal: AbortSignal) => T | PromiseLike<T>, options: CallOptions = {}): Promise<T> {
    functionOption(`what is called on ${quote(this.name)}`, fn)
    const { retry } = this.#options
    const attempts = options.retry === false ? 1 : retry.attempts
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(fn, options, false)
      } catch (error) {
        if (attempt >= attempts || this.#gaveUp(options) || !this.#retries(error)) throw error
      }
      this.#counts.retried += 1
      await this.#pause(pauseBefore(attempt + 1, retry, this.#services.random()), options.signal)
    }
  }

  #retries(error: unknown): boolean {
    return !isCoreError(error, 'DEPENDENCY_OPEN') && !isCoreError(error, 'DEPENDENCY_BUSY') && judge(this.#options.retry.when, error, false)
  }

  #gaveUp({ signal }: CallOptions): boolean {
    return this.#closed !== undefined || signal?.aborted === true
  }

  /** One try: a place, the breaker's leave, the call. */
  async #once<T>(fn: (signal: AbortSignal) => T | PromiseLike<T>, options: CallOptions, probing: boolean): Promise<T> {
    if (this.#closed !== undefined) throw this.#closed
    options.signal?.throwIfAborted()
    // Who would not be let through need not wait for a place.
    if (!this.#admits(probing)) throw this.#refused()
    await this.#place(options)
    const breaker = this.#admits(probing)
    if (breaker === undefined || this.#closed !== undefined) {
      this.#bulkhead.leave()
      throw this.#closed ?? this.#refused()
    }
    this.#breaker = breaker
    const { era } = breaker
    const controller = new AbortController()
    const work = (async () => fn(controller.signal))()
    try {
      const result = await this.#await(work, controller, options)
      this.#counts.succeeded += 1
      this.#settle(era, 'success', undefined)
      return result
    } catch (error) {
      const gaveUp = this.#gaveUp(options)
      if (!gaveUp) this.#counts.failed += 1
      this.#settle(era, gaveUp ? 'void' : judge(this.#options.isFailure, error, true) ? 'failure' : 'success', error)
      throw error
    } finally {
      // It keeps its place until it has really ended, whoever still waits for it.
      const leave = (): void => this.#bulkhead.leave()
      work.then(leave, leave)
    }
  }

  #admits(probing: boolean): Breaker | undefined {
    const breaker = elapse(this.#breaker, this.#services.clock.now())
    // With a probe of its own, nobody else goes first.
    if (breaker.state === 'half-open' && this.#options.probe !== undefined && !probing) return undefined
    return admit(breaker, this.#options.breaker)
  }

  #refused(): CoreError {
    this.#counts.refusedOpen += 1
    return new CoreError('DEPENDENCY_OPEN', `dependency ${quote(this.name)} is ${this.state}: it is not called`)
  }

  async #place({ signal, timeoutMs }: CallOptions): Promise<void> {
    const late = (waitedMs: number): CoreError =>
      new CoreError('DEPENDENCY_BUSY', `dependency ${quote(this.name)} had no place within ${waitedMs} ms`)
    try {
      await waitFor<void>(this.#services.clock, { timeoutMs, signal }, this.#options.timeoutMs, late, ({ resolve, reject }) =>
        this.#bulkhead.ask(() => resolve(undefined), reject),
      )
    } catch (error) {
      if (isCoreError(error, 'DEPENDENCY_BUSY')) this.#counts.refusedBusy += 1
      throw error
    }
  }

  async #await<T>(work: Promise<T>, controller: AbortController, { signal, timeoutMs }: CallOptions): Promise<T> {
    const late = (waitedMs: number): CoreError => {
      this.#counts.timedOut += 1
      return new CoreError('DEPENDENCY_TIMEOUT', `dependency ${quote(this.name)} did not answer within ${waitedMs} ms`)
    }
    try {
      return await waitFor<T>(this.#services.clock, { timeoutMs, signal }, this.#options.timeoutMs, late, ({ resolve, reject }) => {
        work.then(resolve, reject)
        this.#waits.add(reject)
        return () => this.#waits.delete(reject)
      })
    } catch (error) {
      controller.abort(error)
      throw error
    }
  }

  #settle(era: number, outcome: 'success' | 'failure' | 'void', error: unknown): void {
    const { clock, random } = this.#services
    this.#move(settle(this.#breaker, era, outcome, this.#options.breaker, random(), clock.now()), error)
  }

  #move(next: Breaker, error: unknown): void {
    const before = this.#breaker.state
    this.#breaker = next
    if (next.state === before) return
    const { clock } = this.#services
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
    this.#timer = undefined
    if (next.state === 'open') {
      this.#bulkhead.refuseAll(() => this.#refused())
      this.#timer = clock.setTimeout(() => this.#elapsed(), next.untilMs - clock.now())
    }
    this.#services.changed({ name: this.name, from: before, to: next.state, atMs: clock.now(), error })
    for (const listener of [...this.#listeners]) listener()
  }

  #elapsed(): void {
    this.#timer = undefined
    this.#move(elapse(this.#breaker, this.#services.clock.now()), undefined)
    const { probe } = this.#options
    if (probe === undefined || this.#breaker.state !== 'half-open') return
    const { era } = this.#breaker
    for (let i = 0; i < this.#options.breaker.probes; i++) {
      // A probe that found no place has shown nothing: another one must come.
      this.#once(probe, {}, true).catch((error: unknown) => this.#settle(era, 'failure', error))
    }
  }

  async #pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
    // Its deadline is the end of the pause: that is no error here.
    const over = new CoreError('DEPENDENCY_TIMEOUT', 'the pause is over')
    const pause = waitFor<void>(
      this.#services.clock,
      { timeoutMs: pauseMs, signal },
      pauseMs,
      () => over,
      ({ reject }) => {
        this.#waits.add(reject)
        return () => this.#waits.delete(reject)
      },
    )
    await pause.catch((error: unknown) => {
      if (error !== over) throw error
    })
  }

  fromPromise<TOutput, TInput = unknown>(creator: Creator<TOutput, TInput>): PromiseActorLogic<TOutput, TInput> {
    functionOption(`the creator for ${quote(this.name)}`, creator)
    return fromPromise<TOutput, TInput>((args) => this.call((signal) => creator({ ...args, signal }), { signal: args.signal }))
  }

  map<V>(map: GridMap<V>): GridMap<V> {
    partsOption(`the map for ${quote(this.name)}`, map ?? null, ['get', 'put', 'watch'], 'a map of a grid')
    return guardMap(map, this)
  }

  close(): void {
    const error = new CoreError('CLOSED', `the system of dependency ${quote(this.name)} is closed`)
    if (this.#timer !== undefined) this.#services.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#closed = error
    const { state } = this.#breaker
    // Nobody depends on it here any more: who watches must not see it open for ever.
    if (state !== 'closed') this.#services.changed({ name: this.name, from: state, to: 'closed', atMs: this.#services.clock.now(), error })
    this.#bulkhead.refuseAll(() => error)
    for (const end of [...this.#waits]) end(error)
    this.#listeners.clear()
  }
}

/** What a user's predicate says; `fallback` if it throws. */
function judge(predicate: (error: unknown) => boolean, error: unknown, fallback: boolean): boolean {
  try {
    return predicate(error)
  } catch {
    return fallback
  }
}
