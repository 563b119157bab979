import type { AnyMachineSnapshot } from 'xstate'
import type { AgentEvent, Envelope } from './envelope.ts'

/** True while the event must wait aside. Pure: it is asked again after each change of the snapshot. */
export type StashWhile = (event: AgentEvent, snapshot: AnyMachineSnapshot) => boolean

/**
 * Events set aside until the agent's state is one that takes them (OTP's `postpone`). They come back in the order they arrived in,
 * before newer events.
 */
export class Stash {
  readonly #while: StashWhile
  readonly #capacity: number
  readonly #waiting: Envelope[] = []
  /** The snapshot for which all before `#next` are to wait. */
  #judged: AnyMachineSnapshot | undefined
  #next = 0
  readonly #failed: (error: unknown) => void

  constructor(stashWhile: StashWhile, capacity: number, failed: (error: unknown) => void) {
    this.#while = stashWhile
    this.#capacity = capacity
    this.#failed = failed
  }

  get size(): number {
    return this.#waiting.length
  }

  /** True if nothing here can be taken in this state. */
  rests(snapshot: AnyMachineSnapshot): boolean {
    if (snapshot !== this.#judged) {
      this.#judged = snapshot
      this.#next = 0
    }
    const { length } = this.#waiting
    while (this.#next < length && this.#waits(this.#waiting[this.#next] as Envelope, snapshot)) this.#next += 1
    return this.#next === length
  }

  /** The first one that this state takes. */
  take(snapshot: AnyMachineSnapshot): Envelope | undefined {
    return this.rests(snapshot) ? undefined : this.#waiting.splice(this.#next, 1)[0]
  }

  /** Whether the event goes aside: undefined if it does not; else itself if there is room for it, or not. */
  offer(envelope: Envelope, snapshot: AnyMachineSnapshot): 'taken' | 'full' | undefined {
    if (!this.#waits(envelope, snapshot)) return undefined
    if (this.#waiting.length >= this.#capacity) return 'full'
    // It was judged just now: nothing changes that before the snapshot does.
    if (this.rests(snapshot)) this.#next += 1
    this.#waiting.push(envelope)
    return 'taken'
  }

  clear(): Envelope[] {
    this.#next = 0
    return this.#waiting.splice(0)
  }

  // Of a predicate that throws nothing is known: the event is handled, so that it is not kept for ever.
  #waits({ event }: Envelope, snapshot: AnyMachineSnapshot): boolean {
    try {
      return this.#while(event, snapshot)
    } catch (error) {
      this.#failed(error)
      return false
    }
  }
}
