import type { Clock } from '../time/clock.ts'

/**
 * Keys of which this process was shown a value, while the cluster has neither a value nor the mark of a remove. So it has lost them, at
 * least for now: a member that was cut off answers alone, or all that had them are dead. A `session` must not take that for news.
 * Later than `tombstoneMs` nobody can tell any more: the mark of a remove would be gone as well. At most so many are known (I6); the
 * first ones are forgotten for new ones.
 */
export class LostKeys {
  readonly #lost = new Map<string, { readonly version: number; readonly untilMs: number }>()
  readonly #clock: Clock
  readonly #tombstoneMs: number
  readonly #limit: number
  /** Somebody has emptied the map, by other means than a grid's. */
  #emptied = false
  #readAtMs = -Infinity

  constructor(clock: Clock, tombstoneMs: number, limit = 65_536) {
    this.#clock = clock
    this.#tombstoneMs = tombstoneMs
    this.#limit = limit
  }

  /** `shownAtMs`: when it was last known to be there; the last read of the whole map has shown it, too. */
  note(key: string, version: number, shownAtMs: number): void {
    if (this.#emptied) return
    if (this.#lost.size >= this.#limit) {
      const [first] = this.#lost.keys()
      if (first !== undefined) this.#lost.delete(first)
    }
    this.#lost.set(key, { version, untilMs: Math.max(shownAtMs, this.#readAtMs) + this.#tombstoneMs })
  }

  /** The version of the key that was lost. */
  versionOf(key: string): number | undefined {
    const lost = this.#lost.get(key)
    if (lost === undefined) return undefined
    if (lost.untilMs > this.#clock.now()) return lost.version
    this.#lost.delete(key)
    return undefined
  }

  /** It is there again, or this process was told that it is not. */
  settled(key: string): void {
    if (this.#lost.size > 0) this.#lost.delete(key)
  }

  /** What the next read of the whole map does not find was not lost. */
  emptied(): void {
    this.#emptied = true
  }

  /** The whole map was read, by a read that began then. */
  read(beganAtMs: number): void {
    this.#readAtMs = beganAtMs
    this.#emptied = false
  }
}
