import type { Clock } from '../time/clock.ts'
import type { SeenVersion } from './stored-record.ts'

interface Seen extends SeenVersion {
  /** It is a value without an end. */
  readonly lasts: boolean
  /** When this process was last shown it, by the real clock. */
  readonly shownAtMs: number
}

/**
 * The newest version of each key that this process was shown, where there is no copy that says it: of so many keys that were written
 * or read here (I6), the one first seen being forgotten for a new one.
 */
export class SeenVersions {
  readonly #seen = new Map<string, { -readonly [Fact in keyof Seen]: Seen[Fact] }>()
  readonly #realClock: Clock
  readonly #limit: number

  constructor(realClock: Clock, limit = 65_536) {
    this.#realClock = realClock
    this.#limit = limit
  }

  get(key: string): Seen | undefined {
    return this.#seen.get(key)
  }

  see(key: string, version: number, atMs: number, lasts: boolean): void {
    const seen = this.#seen.get(key)
    const shownAtMs = this.#realClock.now()
    if (seen === undefined) this.#add(key, { version, atMs, lasts, shownAtMs })
    else if (version >= seen.version) {
      if (version > seen.version) seen.atMs = atMs
      seen.version = version
      seen.lasts = lasts
      seen.shownAtMs = shownAtMs
    }
  }

  /** This process was shown that there is none. */
  missing(key: string): void {
    const seen = this.#seen.get(key)
    if (seen !== undefined) seen.lasts = false
  }

  #add(key: string, first: Seen): void {
    if (this.#seen.size >= this.#limit) {
      const [oldest] = this.#seen.keys()
      if (oldest !== undefined) this.#seen.delete(oldest)
    }
    this.#seen.set(key, first)
  }
}
