/**
 * Which of one writer's write numbers are known to be in this copy. Numbers come nearly in order, so it is a low mark, below
 * which all are, and the few above it.
 */
export class AppliedNumbers {
  #low = 0
  readonly #above = new Set<number>()

  /** All numbers up to this one are applied. */
  get low(): number {
    return this.#low
  }

  add(number: number): void {
    if (number <= this.#low) return
    if (number === this.#low + 1) {
      this.#low = number
      if (this.#above.size > 0) this.#climb()
    } else this.#above.add(number)
  }

  /** Everything up to this number is applied. */
  cover(number: number): void {
    if (number <= this.#low) return
    this.#low = number
    for (const one of this.#above) if (one <= number) this.#above.delete(one)
    this.#climb()
  }

  has(number: number): boolean {
    return number <= this.#low || this.#above.has(number)
  }

  /** The numbers up to `to` that are not applied, at most `limit` of them. */
  missing(to: number, limit: number): number[] {
    const missing: number[] = []
    for (let number = this.#low + 1; number <= to && missing.length < limit; number++) {
      if (!this.#above.has(number)) missing.push(number)
    }
    return missing
  }

  #climb(): void {
    while (this.#above.delete(this.#low + 1)) this.#low++
  }
}
