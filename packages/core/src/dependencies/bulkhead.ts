import { CoreError } from '../errors.ts'

/** Ends a wait for a place. */
interface Waiting {
  enter(): void
  refuse(error: unknown): void
}

/** So many at a time, so many waiting, in order; one more is refused (I6). */
export class Bulkhead {
  readonly #concurrent: number
  readonly #places: number
  readonly #name: string
  #active = 0
  readonly #waiting = new Set<Waiting>()

  constructor(name: string, concurrent: number, waiting: number) {
    this.#name = name
    this.#concurrent = concurrent
    this.#places = waiting
  }

  get active(): number {
    return this.#active
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Calls `enter` once there is a place, or `refuse`. Returns the end of the wait. */
  ask(enter: () => void, refuse: (error: unknown) => void): () => void {
    if (this.#active < this.#concurrent) {
      this.#active += 1
      enter()
      return () => undefined
    }
    if (this.#waiting.size >= this.#places) {
      const many = `${this.#active} calls are under way and ${this.#waiting.size} wait`
      refuse(new CoreError('DEPENDENCY_BUSY', `${this.#name} is busy: ${many}`))
      return () => undefined
    }
    const waiting = { enter, refuse }
    this.#waiting.add(waiting)
    return () => this.#waiting.delete(waiting)
  }

  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      next.enter()
      return
    }
    this.#active -= 1
  }

  /** Those that wait are refused, each with an error of its own. */
  refuseAll(error: () => unknown): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { refuse } of waiting) refuse(error())
  }
}
