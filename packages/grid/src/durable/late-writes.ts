import { readdirSync } from 'node:fs'
import type { Clock, TimerHandle } from '../time/clock.ts'

/** What never ends must not be waited for, or keep a process alive, for ever (I8): so often it is told, until another write begins. */
const TIMES = 8

/** Tells when writes are under way and none has ended for a while. */
export class LateWrites {
  readonly #clock: Clock
  readonly #afterMs: number
  readonly #onLate: () => void
  #underWay = 0
  #ended = 0
  #timer: TimerHandle | undefined

  constructor(clock: Clock, afterMs: number, onLate: () => void = wakeWaiters) {
    this.#clock = clock
    this.#afterMs = afterMs
    this.#onLate = onLate
  }

  follow<T>(write: Promise<T>): Promise<T> {
    this.#underWay += 1
    if (this.#timer === undefined) this.#arm()
    const end = (): void => this.#end()
    write.then(end, end)
    return write
  }

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #end(): void {
    this.#underWay -= 1
    this.#ended += 1
    if (this.#underWay === 0) this.close()
  }

  #arm(left = TIMES): void {
    const before = this.#ended
    this.#timer = this.#clock.setTimeout(() => {
      const late = this.#ended === before
      if (late) this.#onLate()
      this.#timer = undefined
      if (!late) this.#arm()
      else if (left > 1) this.#arm(left - 1)
    }, this.#afterMs)
  }
}

/** A signal that nobody minds: terminals send it when their size changes. */
const NUDGE = 'SIGWINCH'
/** A signal that is sent again before it was taken is dropped. */
const BETWEEN_MS = 5

/**
 * Makes each thread that sleeps look again at what it waits for. lmdb's locks are robust futexes, and Linux loses a wake-up of theirs: where
 * a process is killed that was just woken, and a third takes the lock before it is gone, nobody wakes the next one who waits, and the lock is
 * free while it sleeps. A signal to the thread ends the sleep; a lock that is really held is waited for again. Elsewhere it does nothing.
 */
export function wakeWaiters(): void {
  if (process.platform !== 'linux') return
  const left = threads()
  const ignore = (): void => undefined
  // Without a listener the signal is dropped before it reaches anybody.
  process.on(NUDGE, ignore)
  const next = (): void => {
    const thread = left.pop()
    if (thread === undefined) {
      process.off(NUDGE, ignore)
      return
    }
    try {
      // The id of a thread as that of a process: the kernel gives the signal to this thread first.
      process.kill(thread, NUDGE)
    } catch {
      // It has ended.
    }
    setTimeout(next, BETWEEN_MS).unref()
  }
  next()
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return []
  }
}
