/**
 * What this process has been shown beyond its copy: an answer of the owner may be newer than the copy is. A session read below
 * that would be a step back, so it asks the owner again until the copy has caught up.
 */
export class SessionFloors {
  readonly #floors = new Map<string, number>()
  readonly #limit: number
  #full = false

  constructor(limit = 65_536) {
    this.#limit = limit
  }

  /** The owner has shown this version of the key (undefined: that there is none), while the copy holds another. */
  shown(key: string, version: number | undefined, held: number | undefined): void {
    if (version === held) return void this.#floors.delete(key)
    if (version !== undefined && held !== undefined && held > version) return
    // Absent is newer than whatever the copy still has.
    const floor = version ?? (held ?? 0) + 1
    if (floor <= (this.#floors.get(key) ?? 0)) return
    if (this.#floors.size >= this.#limit) this.#full = true
    else this.#floors.set(key, floor)
  }

  /** Is the copy as new as all this process was shown of the key? Past the limit (I6) every session read asks the owner. */
  reached(key: string, held: number | undefined): boolean {
    if (this.#full) return false
    const floor = this.#floors.get(key)
    if (floor === undefined) return true
    if (held === undefined || held < floor) return false
    this.#floors.delete(key)
    return true
  }

  /** The newest version of the key that this process was shown, while the copy has not reached it. */
  of(key: string): number | undefined {
    return this.#floors.get(key)
  }

  /** The copy was replaced by the present state. Where that is older than what the owner had shown, the session is still ahead of it. */
  settle(held: (key: string) => number | undefined): void {
    for (const [key, floor] of this.#floors) if ((held(key) ?? floor) >= floor) this.#floors.delete(key)
    this.#full = false
  }
}
