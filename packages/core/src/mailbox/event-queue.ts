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

interface Coalescing {
  readonly coalescer: Coalescer<Envelope>
  readonly key: NonNullable<ResolvedMailboxOptions['key']>
  readonly failed: (error: unknown) => void
  readonly replaced: (envelope: Envelope) => void
  count: number
}

/** The mailbox of an agent with its overflow policy: a ring, and where the policy is `coalesce(key)`, what waits by key. */
export class EventQueue {
  readonly #mailbox: Mailbox<Envelope>
  readonly #coalescing: Coalescing | undefined

  /** `failed`: the key threw. `replaced`: a newer one of its key took its place. */
  constructor(options: ResolvedMailboxOptions, failed: (error: unknown) => void, replaced: (envelope: Envelope) => void) {
    this.#mailbox = new Mailbox(options)
    const { key } = options
    if (key !== undefined) this.#coalescing = { coalescer: new Coalescer(), key, failed, replaced, count: 0 }
  }

  get size(): number {
    return this.#mailbox.size
  }

  get full(): boolean {
    return this.#mailbox.size >= this.#mailbox.capacity
  }

  get state(): QueueState {
    return { waiting: this.#mailbox.size, coalesced: this.#coalescing?.count ?? 0 }
  }

  /** Takes it. Returns what had to go for it, as `Mailbox.offer`; what a newer one of its key replaced is only counted. */
  offer(envelope: Envelope): Envelope | undefined {
    const coalescing = this.#coalescing
    if (coalescing === undefined) return this.#mailbox.offer(envelope)
    const { coalescer } = coalescing
    const key = keyOf(coalescing, envelope)
    const replaced = key === undefined ? undefined : coalescer.replace(key, envelope)
    if (replaced !== undefined) {
      coalescing.count += 1
      coalescing.replaced(replaced)
      return undefined
    }
    const gone = this.#mailbox.offer(envelope)
    if (key !== undefined && gone !== envelope) coalescer.entered(key, envelope)
    return gone === undefined || gone === envelope ? gone : coalescer.left(gone)
  }

  take(): Envelope | undefined {
    const envelope = this.#mailbox.take()
    return envelope === undefined || this.#coalescing === undefined ? envelope : this.#coalescing.coalescer.left(envelope)
  }
}

// Who asks wants an answer of his own; changes of the world have a coalescing of their own.
function keyOf({ key, failed }: Coalescing, { event, sender }: Envelope): string | undefined {
  if (sender !== undefined) return undefined
  try {
    return key(event)
  } catch (error) {
    failed(error)
    return undefined
  }
}
