/**
 * Which of a bounded number of keys goes next: the least recently used one, nearly. A key that was used since it was last looked
 * at gets a second chance, so that using a key is one write to a Map and moves nothing. Source: Corbato, A Paging Experiment (1968).
 */
export class KeptKeys {
  readonly #limit: number
  /** Key -> used since it was last looked at. */
  readonly #keys = new Map<string, boolean>()
  #evictions = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get evictions(): number {
    return this.#evictions
  }

  use(key: string): void {
    if (this.#keys.get(key) === false) this.#keys.set(key, true)
  }

  /** Keeps the key. Returns the one that has to go for it. */
  keep(key: string): string | undefined {
    if (this.#keys.has(key)) {
      this.use(key)
      return undefined
    }
    const gone = this.#keys.size < this.#limit ? undefined : this.#evict()
    this.#keys.set(key, false)
    return gone
  }

  drop(key: string): void {
    this.#keys.delete(key)
  }

  clear(): void {
    this.#keys.clear()
  }

  #evict(): string | undefined {
    for (const [key, used] of this.#keys) {
      this.#keys.delete(key)
      if (!used) {
        this.#evictions++
        return key
      }
      // Behind all others, and met again by this loop if every one of them was used.
      this.#keys.set(key, false)
    }
    return undefined
  }
}
