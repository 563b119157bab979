import type { Clock, TimerHandle } from '@stigmergy/grid'

/** A process of the simulation, as its surroundings see it: whether it runs, stands still, or is gone. */
export interface LifeLine {
  readonly clock: Clock
  readonly state: 'running' | 'paused' | 'dead'
  /** What reaches it from outside: done now, when it goes on, or never. */
  deliver(fn: () => void): void
  /** As SIGSTOP: its time passes, and it does nothing. */
  pause(): void
  resume(): void
  /** As SIGKILL: nothing of it happens any more. */
  kill(): void
}

export interface LifeLineOptions {
  /** Its monotonic clock begins here, in milliseconds: clocks of two processes do not begin together. */
  readonly offsetMs: number
  /** Its wall clock is off by so much. */
  readonly skewMs: number
  /** Loses this timer: for tests that must find out. @default never */
  readonly losesTimer?: (delayMs: number) => boolean
}

interface Waiting {
  shared: TimerHandle | undefined
  cancelled: boolean
}

export function createLifeLine(shared: Clock, options: LifeLineOptions): LifeLine {
  let state: LifeLine['state'] = 'running'
  let late: (() => void)[] = []

  const deliver = (fn: () => void): void => {
    if (state === 'running') fn()
    else if (state === 'paused') late.push(fn)
  }
  const clock: Clock = {
    now: () => shared.now() + options.offsetMs,
    wallNow: () => shared.wallNow() + options.skewMs,
    setTimeout(fn, delayMs) {
      const timer: Waiting = { shared: undefined, cancelled: false }
      if (state === 'dead' || options.losesTimer?.(delayMs) === true) return timer
      const fire = (): void => {
        if (!timer.cancelled) fn()
      }
      timer.shared = shared.setTimeout(() => deliver(fire), delayMs)
      return timer
    },
    clearTimeout(handle) {
      const timer = handle as Waiting | undefined
      if (timer === undefined) return
      timer.cancelled = true
      if (timer.shared !== undefined) shared.clearTimeout(timer.shared)
    },
  }
  return {
    clock,
    get state() {
      return state
    },
    deliver,
    pause() {
      if (state === 'running') state = 'paused'
    },
    resume() {
      if (state !== 'paused') return
      state = 'running'
      for (const fn of late.splice(0)) deliver(fn)
    },
    kill() {
      state = 'dead'
      late = []
    },
  }
}
