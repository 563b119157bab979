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

/** Who is told of what a coalescing queue does. */
interface Told {
  /** The key threw. */
  readonly failed: (error: unknown) => void
  /** A newer one of its key took its place. */
  readonly replaced: (envelope: Envelope) => void
}

interface Coalescing extends Told {
  readonly coalescer: Coalescer<Envelope>
  readonly key: NonNullable<ResolvedMailboxOptions['key']>
  count: number
}

/** The mailbox of an agent with its overflow policy: a ring, and where the policy is `coalesce(key)`, what waits by key. */
export class EventQueue extends Mailbox<Envelope> {
  readonly #coalescing: Coalescing | undefined

  /** `told`: undefined where nothing is coalesced. */
  constructor(options: ResolvedMailboxOptions, told: Told | undefined) {
    super(options)
    const { key } = options
    if (key !== undefined && told !== undefined) this.#coalescing = { ...told, coalescer: new Coalescer(), key, count: 0 }
  }

  get full(): boolean {
    return this.size >= this.capacity
  }

  get state(): QueueState {
    return { waiting: this.size, coalesced: this.#coalescing?.count ?? 0 }
  }

  /** Takes it. Returns what had to go for it, as `Mailbox.offer`; what a newer one of its key replaced is only counted. */
  override offer(envelope: Envelope): Envelope | undefined {
    const coalescing = this.#coalescing
    if (coalescing === undefined) return super.offer(envelope)
    const { coalescer } = coalescing
    const key = keyOf(coalescing, envelope)
    const replaced = key === undefined ? undefined : coalescer.replace(key, envelope)
    if (replaced !== undefined) {
      coalescing.count += 1
      coalescing.replaced(replaced)
      return undefined
    }
    const gone = super.offer(envelope)
    if (key !== undefined && gone !== envelope) coalescer.entered(key, envelope)
    return gone === undefined || gone === envelope ? gone : coalescer.left(gone)
  }

  override take(): Envelope | undefined {
    const envelope = super.take()
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
