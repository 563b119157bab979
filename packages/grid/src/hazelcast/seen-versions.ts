import type { SeenVersion } from './stored-record.ts'

/**
 * The newest version of each key that this process was shown, where there is no copy that says it: of so many keys that were written
 * or read here (I6), the one first seen being forgotten for a new one.
 */
export class SeenVersions {
  readonly #seen = new Map<string, { version: number; atMs: number }>()
  readonly #limit: number

  constructor(limit = 65_536) {
    this.#limit = limit
  }

  get(key: string): SeenVersion | undefined {
    return this.#seen.get(key)
  }

  see(key: string, version: number, atMs: number): void {
    const seen = this.#seen.get(key)
    if (seen === undefined) this.#add(key, { version, atMs })
    else if (version > seen.version) {
      seen.version = version
      seen.atMs = atMs
    }
  }

  #add(key: string, first: { version: number; atMs: number }): void {
    if (this.#seen.size >= this.#limit) {
      const [oldest] = this.#seen.keys()
      if (oldest !== undefined) this.#seen.delete(oldest)
    }
    this.#seen.set(key, first)
  }
}
