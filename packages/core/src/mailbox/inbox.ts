import type { TraceContext } from '@stigmergy/grid'
import { Dedup } from './dedup.ts'
import { isMessage, isSendable, type AgentEvent, type Envelope, type Sender } from './envelope.ts'
import type { DeadLetterReason } from '../hooks.ts'
import { EventQueue } from './event-queue.ts'
import type { InboxOptions, InboxOwner, MailboxState } from './inbox-options.ts'
import { Mailbox } from './mailbox.ts'
import { createNeeds, type Needs } from '../dependencies/needs.ts'
import type { EffectOrigin } from '../durability/outbox.ts'
import type { Services } from '../services.ts'
import { Stash } from './stash.ts'
import { Suspect } from './suspect.ts'
import { createWorldBinding, type WorldBinding } from '../world.ts'

const NO_BINDINGS: readonly WorldBinding[] = []
const NO_ENVELOPES: readonly Envelope[] = []

/** All that waits for an agent: what it must know first, what others sent, what changed in the world. */
export class Inbox {
  readonly #options: InboxOptions
  readonly #owner: InboxOwner
  readonly #services: Services
  readonly #queue: EventQueue
  readonly #bindings: readonly WorldBinding[]
  readonly #stash: Stash | undefined
  readonly needs: Needs | undefined
  /** The ids of what it was sent; undefined until something has one. */
  dedup: Dedup | undefined
  // Made when they are needed: most agents never need them.
  #system: Mailbox<Envelope> | undefined
  #suspect: Suspect | undefined
  /** The present entries of the world, before what waits. */
  #prelude: readonly Envelope[] = NO_ENVELOPES
  /** How many of them are left. */
  #left = 0
  /** Changes of the world were lost: a resync is due after that many events, where the first of them would have been. */
  #resyncAfter: number | undefined
  #closed = false

  constructor(options: InboxOptions, owner: InboxOwner, services: Services) {
    this.#options = options
    this.#owner = owner
    this.#services = services
    const { failed } = services.guests
    // What was replaced may be sent again.
    const told = options.mailbox.key && { failed, replaced: ({ id }: Envelope) => id !== undefined && this.dedup?.lost(id) }
    this.#queue = new EventQueue(options.mailbox, told)
    if (options.stash !== undefined) this.#stash = new Stash(options.stash, options.mailbox.stash, failed)
    if (options.needs !== undefined) this.needs = createNeeds(options.needs, options.agent, services, () => owner.wake())
    this.#bindings = options.watch.size === 0 ? NO_BINDINGS : this.#bind(options.watch)
  }

  #bind(watch: InboxOptions['watch']): readonly WorldBinding[] {
    const world = {
      envelope: (event: AgentEvent, trace: TraceContext | undefined, sender?: Sender): Envelope => this.envelope(event, trace, sender),
      offer: (envelope: Envelope): boolean => !this.#queue.full && this.#accept(envelope),
      fellBehind: (place: 'newest' | 'oldest'): void => {
        // What was lost at the front comes before all that waits; what waits of the world is then void.
        this.#resyncAfter = place === 'oldest' ? 0 : (this.#resyncAfter ?? this.#queue.size)
        this.#owner.wake()
      },
      guestFailed: this.#services.guests.failed,
    }
    return [...watch].map(([name, binding]) => createWorldBinding(name, binding, world))
  }

  get empty(): boolean {
    return (
      this.#left === 0 &&
      this.#queue.size === 0 &&
      this.#resyncAfter === undefined &&
      this.#suspect?.waits !== true &&
      this.needs?.due !== true &&
      (this.#system === undefined || this.#system.size === 0) &&
      (this.#stash === undefined || this.#stash.size === 0 || this.#stash.rests(this.#owner.snapshot))
    )
  }

  /** True if it is as it was made: another one would do as well. */
  get pristine(): boolean {
    // `empty` comes last: with a stash it looks at the snapshot, and that would wake an agent that sleeps.
    const parts = [this.needs, this.dedup, this.#suspect, this.#stash]
    return parts.every((part) => part === undefined) && this.#bindings.length === 0 && this.#queue.state.coalesced === 0 && this.empty
  }

  /** Events of the system that may wait. */
  get systemCapacity(): number {
    return this.#options.mailbox.system
  }

  get state(): MailboxState {
    const { waiting, coalesced } = this.#queue.state
    return {
      waiting: waiting + (this.#suspect?.waits === true ? 1 : 0),
      coalesced,
      system: this.#system?.size ?? 0,
      stashed: this.#stash?.size ?? 0,
      repeated: this.dedup?.repeated ?? 0,
    }
  }

  envelope(event: AgentEvent, trace: TraceContext | undefined, sender?: Sender, id?: string): Envelope {
    const { guests, clock } = this.#services
    return { event, trace, enqueuedAtMs: guests.watching ? clock.now() : undefined, sender, id }
  }

  /** True if accepted, now or, under this id, before. Never throws, never runs the agent. */
  post(event: AgentEvent, trace: TraceContext | undefined, sender?: Sender, id?: string, origin?: EffectOrigin): boolean {
    const made = this.envelope(event, trace, sender, id)
    const envelope = origin === undefined ? made : { ...made, origin }
    if (!isSendable(event)) return this.lose(envelope, 'bad-event')
    if (this.#closed) return this.lose(envelope, 'stopped')
    if (id !== undefined) {
      if (this.#services.deadLetters.isQuarantined(this.#options.agent.id, id)) return this.lose(envelope, 'quarantined')
      this.dedup ??= new Dedup(this.#options.mailbox.dedup)
      if (!this.dedup.accept(id)) return true
    }
    return this.#accept(envelope)
  }

  /** An event of the system: before all that others sent. News mean nothing to the dead: they are no dead letters. */
  postSystem(event: AgentEvent, trace: TraceContext | undefined): boolean {
    if (this.#closed) return false
    const envelope = this.envelope(event, trace)
    this.#system ??= new Mailbox({ capacity: this.#options.mailbox.system, overflow: 'reject' })
    if (this.#system.offer(envelope) !== undefined) return this.lose(envelope, 'mailbox-full')
    this.#owner.wake()
    return true
  }

  #accept(envelope: Envelope): boolean {
    const dropped = this.#queue.offer(envelope)
    if (dropped !== undefined) this.lose(dropped, 'mailbox-full')
    this.#owner.wake()
    return dropped !== envelope
  }

  /** An event that is not delivered: its sender makes good for it, or it becomes a dead letter. */
  lose({ event, trace, sender, id }: Envelope, reason: DeadLetterReason): false {
    if (id !== undefined && reason !== 'quarantined') this.dedup?.lost(id)
    if (sender?.lost(reason) === true) return false
    const { deadLetters, guests, clock } = this.#services
    guests.tell('onDeadLetter', deadLetters.add({ agentId: this.#options.agent.id, event, reason, atMs: clock.now(), trace, id }))
    return false
  }

  /** The agent crashed on it: it comes again after the restart, until it has been given often enough. */
  crashed(envelope: Envelope): void {
    this.#suspect ??= new Suspect(this.#options.mailbox.attempts)
    if (!this.#suspect.crashed(envelope, isMessage(envelope))) this.lose(envelope, 'crashed')
  }

  next(): Envelope | undefined {
    for (;;) {
      const envelope = this.#need() ?? this.#system?.take() ?? this.#fromPrelude() ?? this.#suspect?.take() ?? this.#message()
      if (envelope === undefined) return undefined
      if (envelope.sender?.live === false) continue
      if (envelope.id !== undefined) this.dedup?.taken(envelope.id)
      return envelope
    }
  }

  #need(): Envelope | undefined {
    const event = this.needs?.next()
    return event && this.envelope(event, undefined)
  }

  #message(): Envelope | undefined {
    if (this.#stash === undefined) return this.#fromQueue()
    const snapshot = this.#owner.snapshot
    const back = this.#stash.take(snapshot)
    if (back !== undefined) return back
    for (;;) {
      const envelope = this.#fromQueue()
      // Changes of the world stay in their order (I5).
      if (envelope === undefined || !isMessage(envelope)) return envelope
      const aside = this.#stash.offer(envelope, snapshot)
      if (aside === undefined) return envelope
      if (aside === 'full') this.lose(envelope, 'stash-full')
    }
  }

  #fromQueue(): Envelope | undefined {
    if (this.#resyncAfter === undefined) return this.#queue.take()
    if (this.#resyncAfter > 0 && this.#queue.size > 0) {
      this.#resyncAfter -= 1
      return this.#queue.take()
    }
    this.#catchUp()
    return this.#fromPrelude() ?? this.#queue.take()
  }

  /** What was missed of the world is made good by its present state (I5). */
  #catchUp(): void {
    this.#resyncAfter = undefined
    const late = this.#bindings.filter(({ behind }) => behind !== undefined)
    try {
      this.#tell(late.flatMap((binding) => binding.open(binding.behind)))
    } catch (error) {
      // Only a closed grid refuses: there is no world any more to tell of.
      this.#services.guests.failed(error)
    }
  }

  /** Begins to watch. First come news of its needs, then the system's events, then the present entries, then what waits. */
  open(resync: string | undefined): void {
    this.#resyncAfter = undefined
    this.needs?.open(resync !== undefined)
    if (this.#bindings.length > 0) this.#tell(this.#bindings.flatMap((binding) => binding.open(resync)))
  }

  #tell(prelude: readonly Envelope[]): void {
    this.#prelude = prelude
    this.#left = prelude.length
  }

  #fromPrelude(): Envelope | undefined {
    if (this.#left === 0) return undefined
    const envelope = this.#prelude[this.#prelude.length - this.#left]
    this.#left -= 1
    if (this.#left === 0) this.#prelude = NO_ENVELOPES
    return envelope
  }

  /** Stops to watch; what others send is kept. */
  pause(): void {
    this.needs?.close()
    this.#tell(NO_ENVELOPES)
    this.#resyncAfter = undefined
    for (const binding of this.#bindings) binding.close()
  }

  /** Accepts nothing any more. */
  close(): void {
    this.#closed = true
  }

  /** What waits becomes dead letters. */
  clear(): void {
    this.pause()
    const suspect = this.#suspect?.take()
    const waiting = [...(suspect === undefined ? [] : [suspect]), ...(this.#stash?.clear() ?? [])]
    for (const envelope of waiting) this.lose(envelope, 'stopped')
    // News of the system mean nothing to the dead.
    this.#system = undefined
    for (let left = this.#queue.take(); left !== undefined; left = this.#queue.take()) this.lose(left, 'stopped')
  }
}
