/**
 * Keys that are being read from or written to the owner by a process that holds only part of the map. Their changes are let in
 * while that goes on: an answer that was overtaken by a change must not be kept, or it would stay wrong for ever (I5).
 */
export class Reading {
  readonly #running = new Map<string, { count: number; overtaken: number }>()

  has(key: string): boolean {
    return this.#running.size > 0 && this.#running.has(key)
  }

  begin(key: string): void {
    const running = this.#running.get(key)
    if (running === undefined) this.#running.set(key, { count: 1, overtaken: 0 })
    else running.count++
  }

  end(key: string): void {
    const running = this.#running.get(key)
    if (running !== undefined && --running.count === 0) this.#running.delete(key)
  }

  /** The key was removed with this version: older answers are of no use. */
  removed(key: string, version: number): void {
    const running = this.#running.get(key)
    if (running !== undefined && version > running.overtaken) running.overtaken = version
  }

  /** The whole copy was replaced: no answer under way is of use. */
  reset(): void {
    for (const running of this.#running.values()) running.overtaken = Infinity
  }

  /** May an answer of this version be kept? */
  isCurrent(key: string, version: number): boolean {
    return version > (this.#running.get(key)?.overtaken ?? Infinity)
  }
}
