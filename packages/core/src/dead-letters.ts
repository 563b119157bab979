import type { DeadLetter } from './hooks.ts'

/** Events that reached nobody. */
export interface DeadLetters {
  /** The newest ones, oldest first. */
  readonly recent: readonly DeadLetter[]
  /** How many there were in all. */
  readonly count: number
  /** How many of them are not in `recent` any more (I6). */
  readonly dropped: number
}

export interface DeadLetterBox extends DeadLetters {
  add(letter: DeadLetter): void
}

export function createDeadLetters(capacity: number): DeadLetterBox {
  const ring: DeadLetter[] = []
  let count = 0
  return {
    get recent() {
      const oldest = count <= capacity ? 0 : count % capacity
      return [...ring.slice(oldest), ...ring.slice(0, oldest)]
    },
    get count() {
      return count
    },
    get dropped() {
      return count - ring.length
    },
    add(letter) {
      if (capacity > 0) ring[count % capacity] = letter
      count += 1
    },
  }
}
