import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Guests } from '../guests.ts'

/** Who listens to an agent. What a listener throws goes no further (I7). */
export class Audience {
  readonly #guests: Guests
  // Most agents have none.
  #snapshots: Set<(snapshot: AnyMachineSnapshot) => unknown> | undefined
  #emitted: Map<string, Set<(event: AnyEventObject) => unknown>> | undefined

  constructor(guests: Guests) {
    this.#guests = guests
  }

  tell(snapshot: AnyMachineSnapshot): void {
    if (this.#snapshots !== undefined) for (const listener of this.#snapshots) this.#guests.call(listener, snapshot)
  }

  subscribe(listener: (snapshot: AnyMachineSnapshot) => void): () => void {
    const own = (snapshot: AnyMachineSnapshot): unknown => listener(snapshot)
    this.#snapshots ??= new Set()
    this.#snapshots.add(own)
    return () => this.#snapshots?.delete(own)
  }

  emitted(event: AnyEventObject): void {
    for (const type of [event.type, '*']) for (const listener of this.#emitted?.get(type) ?? []) this.#guests.call(listener, event)
  }

  /** `*`: all that is emitted. */
  on(type: string, listener: (event: AnyEventObject) => void): () => void {
    const own = (event: AnyEventObject): unknown => listener(event)
    this.#emitted ??= new Map()
    const known = this.#emitted.get(type)
    if (known === undefined) this.#emitted.set(type, new Set([own]))
    else known.add(own)
    return () => this.#emitted?.get(type)?.delete(own)
  }
}
