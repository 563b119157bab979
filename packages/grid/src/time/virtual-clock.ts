import type { Clock, TimerHandle } from './clock.ts'
import { GridError, quote, unknownOption } from '../errors.ts'
import { Heap } from './heap.ts'

export interface VirtualClockOptions {
  /** First value of `now()`, in monotonic milliseconds. @default 0 */
  readonly startMs?: number
  /** First value of `wallNow()`, in milliseconds since 1970. @default 0 */
  readonly wallStartMs?: number
  /**
   * Timers that run between two turns of the event loop. More of them make a long run cheaper: signals, real IO and `setImmediate`
   * then wait for so many timers. Promise chains end between any two of them, whatever this is. @default 1
   */
  readonly timersPerTurn?: number
}

export interface RunOptions {
  /** Stops the run between two timers: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * A clock that moves only when told, from timer to timer, so that an hour passes in seconds and every run is alike.
 * Timers run by time, those of one instant in the order they were set. Before and after each one, everything that is ready
 * to run does run: promise chains to their end, then one turn of the event loop, so that signals and real IO are served
 * (see `timersPerTurn`).
 * What a timer throws rejects the run. One run at a time: a second throws `GridError` CLOCK_BUSY.
 */
export interface VirtualClock extends Clock {
  /** Lets this many milliseconds pass. */
  advance(ms: number, options?: RunOptions): Promise<void>
  /**
   * Runs up to a time of `now()`, or until the predicate, asked before the first timer and after each, is true.
   * Throws `GridError` CLOCK_IDLE if no timer is left and the predicate is still false.
   */
  runUntil(until: number | (() => boolean), options?: RunOptions): Promise<void>
  /** Runs the next timer. False if there is none. */
  step(): Promise<boolean>
  /** Timers waiting. */
  readonly pending: number
  /** Time of the next timer, or undefined. */
  nextAt(): number | undefined
}

interface Timer {
  readonly atMs: number
  readonly order: number
  fn: (() => void) | undefined
}

// Below this many cancelled timers a compaction would cost more than it gives.
const WORTH_COMPACTING = 64

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const unknown = unknownOption('createVirtualClock', options, ['startMs', 'wallStartMs', 'timersPerTurn'])
  if (unknown !== undefined) throw new GridError('BAD_OPTION', unknown)
  const startMs = finite('startMs', options.startMs ?? 0)
  const wallStartMs = finite('wallStartMs', options.wallStartMs ?? 0)
  const timersPerTurn = options.timersPerTurn ?? 1
  if (!Number.isInteger(timersPerTurn) || timersPerTurn < 1) {
    throw new GridError('BAD_OPTION', `timersPerTurn is ${quote(timersPerTurn)}: give a whole number of at least 1`)
  }
  const timers = new Heap<Timer>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order))
  let nowMs = startMs
  let order = 0
  let cancelled = 0
  let running = false

  function next(): Timer | undefined {
    let timer = timers.peek()
    while (timer !== undefined && timer.fn === undefined) {
      timers.pop()
      cancelled--
      timer = timers.peek()
    }
    return timer
  }

  function fire(timer: Timer): void {
    timers.pop()
    const fn = timer.fn
    timer.fn = undefined
    if (timer.atMs > nowMs) nowMs = timer.atMs
    fn?.()
  }

  /** One timer of a run up to `limitMs`, or until `done`. True: the run is over. */
  function ran(limitMs: number, done: (() => boolean) | undefined, signal: AbortSignal | undefined): boolean {
    signal?.throwIfAborted()
    if (done?.() === true) return true
    const timer = next()
    if (timer === undefined && done !== undefined) {
      throw new GridError('CLOCK_IDLE', `no timer is left at ${nowMs} ms and the condition is not met`)
    }
    if (timer === undefined || timer.atMs > limitMs) {
      if (limitMs > nowMs) nowMs = limitMs
      return true
    }
    fire(timer)
    return false
  }

  // Promise chains end between two immediates, and the loop turns only when those asked for together have run.
  function run(limitMs: number, done: (() => boolean) | undefined, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = 0
      let over = false
      const one = (): void => {
        left -= 1
        if (over) return
        try {
          over = ran(limitMs, done, signal)
          if (over) resolve()
          else if (left === 0) turn()
        } catch (error) {
          over = true
          reject(error)
        }
      }
      const turn = (): void => {
        left = timersPerTurn
        for (let at = 0; at < timersPerTurn; at++) setImmediate(one)
      }
      turn()
    })
  }

  async function runNext(): Promise<boolean> {
    await settle()
    const timer = next()
    if (timer === undefined) return false
    fire(timer)
    await settle()
    return true
  }

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (running) throw new GridError('CLOCK_BUSY', 'this virtual clock is already running: await the first run before the next')
    running = true
    try {
      return await work()
    } finally {
      running = false
    }
  }

  return {
    now: () => nowMs,
    wallNow: () => wallStartMs + (nowMs - startMs),
    setTimeout(fn, delayMs): TimerHandle {
      const timer: Timer = { atMs: nowMs + (delayMs > 0 ? delayMs : 0), order: order++, fn }
      timers.push(timer)
      return timer
    },
    clearTimeout(handle) {
      const timer = handle as Timer | undefined
      if (timer?.fn === undefined) return
      timer.fn = undefined
      cancelled++
      if (cancelled > WORTH_COMPACTING && cancelled * 2 > timers.size) {
        timers.retain((kept) => kept.fn !== undefined)
        cancelled = 0
      }
    },
    advance: (ms, { signal } = {}) => alone(() => run(nowMs + notNegative('advance', ms), undefined, signal)),
    runUntil: (until, { signal } = {}) =>
      alone(async () => (typeof until === 'function' ? run(Infinity, until, signal) : run(finite('runUntil', until), undefined, signal))),
    step: () => alone(runNext),
    get pending() {
      return timers.size - cancelled
    },
    nextAt: () => next()?.atMs,
  }
}

// Promise chains end before an immediate runs, and an immediate gives the loop its turn of IO and signals.
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function finite(name: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw new GridError('BAD_OPTION', `${name} is ${quote(value)}: give a finite number of milliseconds`)
}

function notNegative(name: string, value: number): number {
  if (finite(name, value) >= 0) return value
  throw new GridError('BAD_OPTION', `${name} is ${quote(value)}: time does not go back`)
}
