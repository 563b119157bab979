import type { TraceContext } from '@stigmergy/grid'

/** Something that must not happen before the state that caused it is committed. */
interface Held {
  readonly fn: () => void
  /** Done in its place if it is dropped. */
  readonly dropped: (() => void) | undefined
  /** The work that caused it. */
  readonly trace: TraceContext | undefined
}

export interface GateOwner {
  /** There is something to commit. */
  touched(): void
}

/**
 * The output gate (I2): effects that wait, in order, until the state that caused them is committed.
 * Each has a number; a commit opens the gate up to the number that was last when its state was taken.
 */
export class Gate {
  #held: Held[] = []
  /** Number of the first one held. */
  #first = 0
  #shut = false
  readonly #slot: { current: TraceContext | undefined }
  readonly #owner: GateOwner

  /** `slot`: where the work that is running stands. */
  constructor(slot: { current: TraceContext | undefined }, owner: GateOwner) {
    this.#slot = slot
    this.#owner = owner
  }

  /** The number of the next one. All before it belong to the state as it is now. */
  get next(): number {
    return this.#first + this.#held.length
  }

  get size(): number {
    return this.#held.length
  }

  /** `dropped` is run in place of `fn` if the state is never committed. */
  hold(fn: () => void, dropped?: () => void): void {
    if (this.#shut) {
      dropped?.()
      return
    }
    this.#held.push({ fn, dropped, trace: this.#slot.current })
    this.#owner.touched()
  }

  /** A child has changed, though nothing is held. */
  touch(): void {
    if (!this.#shut) this.#owner.touched()
  }

  /** Runs those before `number`, in order. The first error is thrown, once all have run. */
  open(number: number): void {
    const count = Math.min(this.#held.length, number - this.#first)
    if (count <= 0) return
    const due = this.#held.slice(0, count)
    this.#held = this.#held.slice(count)
    this.#first += count
    this.#run(due)
  }

  /** Drops those from `number` on: of a step that has failed, or of a state that cannot be committed. Returns how many. */
  cut(number: number): number {
    const at = Math.max(0, number - this.#first)
    const dropped = this.#held.slice(at)
    this.#held = this.#held.slice(0, at)
    this.#run(dropped.map(({ dropped: fn = nothing, trace }) => ({ fn, trace })))
    return dropped.length
  }

  /** Nothing leaves any more. Returns how many were dropped. */
  shut(): number {
    this.#shut = true
    return this.cut(this.#first)
  }

  #run(due: readonly Pick<Held, 'fn' | 'trace'>[]): void {
    const outer = this.#slot.current
    let failure: { readonly error: unknown } | undefined
    for (const { fn, trace } of due) {
      this.#slot.current = trace
      try {
        fn()
      } catch (error) {
        failure ??= { error }
      }
    }
    this.#slot.current = outer
    if (failure !== undefined) throw failure.error
  }
}

function nothing(): void {}
