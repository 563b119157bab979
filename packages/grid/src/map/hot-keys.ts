/**
 * The most read keys, in a bounded table. Only about every thousandth read is looked at, so that a read costs one count more; the
 * distance to the next one varies, so that a loop over as many keys does not always show the same.
 * Source of the table: Metwally et al., Efficient Computation of Frequent and Top-k Elements in Data Streams (2005), Space-Saving.
 */
export class HotKeys {
  readonly #limit: number
  readonly #counts = new Map<string, number>()
  #seed = 1

  constructor(limit = 64) {
    this.#limit = limit
  }

  /** This read stands for so many. Returns after how many reads to come again. */
  sample(key: string, reads: number): number {
    const counted = this.#counts.get(key)
    if (counted !== undefined || this.#counts.size < this.#limit) this.#counts.set(key, (counted ?? 0) + reads)
    else this.#replace(key, reads)
    // Park and Miller's generator: even enough, and the same in every run.
    this.#seed = (this.#seed * 48_271) % 2_147_483_647
    return 512 + (this.#seed & 1023)
  }

  top(): readonly { readonly key: string; readonly reads: number }[] {
    const all = Array.from(this.#counts, ([key, reads]) => ({ key, reads }))
    return all.toSorted((a, b) => b.reads - a.reads).slice(0, 10)
  }

  // The newcomer takes over the count of the rarest: a key that is read often can never be counted too low.
  #replace(key: string, reads: number): void {
    let rarest = ''
    let fewest = Infinity
    for (const [other, count] of this.#counts) {
      if (count >= fewest) continue
      rarest = other
      fewest = count
    }
    this.#counts.delete(rarest)
    this.#counts.set(key, fewest + reads)
  }
}
