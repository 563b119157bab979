import { setImmediate } from 'node:timers/promises'

/** So many at a time take a few milliseconds at most. */
const AT_A_TIME = 4000

/** Gives each value, and lets the event loop go on now and then: a large map must not hold it up. Few values are given in one turn. */
export async function inTurns<T>(values: Iterable<T>, each: (value: T) => void): Promise<void> {
  let count = 0
  for (const value of values) {
    if (++count % AT_A_TIME === 0) await setImmediate()
    each(value)
  }
}
