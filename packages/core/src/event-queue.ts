import { Coalescer } from './coalesce.ts'
import type { Envelope } from './envelope.ts'
import { Mailbox, type ResolvedMailboxOptions } from './mailbox.ts'

/** What waits in a queue, and what was replaced there. */
export interface QueueState {
  /** Events that wait. */
  readonly waiting: number
  /** Events that were replaced by newer ones of their key. */
  readonly coalesced: number
}

/** The mailbox of an agent with its overflow policy: a ring, and where the policy is `coalesce(key)`, what waits by key. */
export class EventQueue {
  readonly #mailbox: Mailbox<Envelope>
  readonly #key: ResolvedMailboxOptions['key']
  readonly #coalescer: Coalescer<Envelope> | undefined
  readonly #failed: (error: unknown) => void
  #coalesced = 0

  constructor(options: ResolvedMailboxOptions, failed: (error: unknown) => void) {
    this.#mailbox = new Mailbox(options)
    this.#key = options.key
    this.#failed = failed
    if (options.key !== undefined) this.#coalescer = new Coalescer()
  }

  get size(): number {
    return this.#mailbox.size
  }

  get full(): boolean {
    return this.#mailbox.size >= this.#mailbox.capacity
  }

  get state(): QueueState {
    return { waiting: this.#mailbox.size, coalesced: this.#coalesced }
  }

  /** Takes it. Returns what had to go for it, as `Mailbox.offer`; what a newer one of its key replaced is only counted. */
  offer(envelope: Envelope): Envelope | undefined {
    const key = this.#coalescer === undefined ? undefined : this.#keyOf(envelope)
    if (key !== undefined && this.#coalescer?.replace(key, envelope) === true) {
      this.#coalesced += 1
      return undefined
    }
    const gone = this.#mailbox.offer(envelope)
    if (key !== undefined && gone !== envelope) this.#coalescer?.entered(key, envelope)
    return gone === undefined || gone === envelope ? gone : this.#left(gone)
  }

  take(): Envelope | undefined {
    const envelope = this.#mailbox.take()
    return envelope === undefined ? undefined : this.#left(envelope)
  }

  #left(envelope: Envelope): Envelope {
    return this.#coalescer === undefined ? envelope : this.#coalescer.left(envelope)
  }

  // Who asks wants an answer of his own; changes of the world have a coalescing of their own.
  #keyOf({ event, sender }: Envelope): string | undefined {
    if (sender !== undefined) return undefined
    try {
      return this.#key?.(event)
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }
}
