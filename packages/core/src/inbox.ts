import type { TraceContext } from '@stigmergy/grid'
import type { AgentEvent, Envelope, Sender } from './envelope.ts'
import type { DeadLetterReason } from './hooks.ts'
import { Mailbox, type ResolvedMailboxOptions } from './mailbox.ts'
import type { EffectOrigin } from './outbox.ts'
import type { Services } from './services.ts'
import { createWorldBinding, type WatchBinding, type WorldBinding } from './world.ts'

export interface InboxOptions {
  readonly agentId: string
  readonly mailbox: ResolvedMailboxOptions
  readonly watch: ReadonlyMap<string, WatchBinding<unknown>>
  /** Something has arrived. */
  arrived(): void
}

/** All that waits for an agent: what it must know first, what others sent, what changed in the world. */
export class Inbox {
  readonly #options: InboxOptions
  readonly #services: Services
  readonly #mailbox: Mailbox<Envelope>
  readonly #bindings: readonly WorldBinding[]
  /** What the agent must know before anything that waits in the mailbox; the next one last. */
  #prelude: Envelope[] = []
  /** Changes of the world were lost: a resync is due after that many events, where the first of them would have been. */
  #resyncAfter: number | undefined
  #closed = false

  constructor(options: InboxOptions, services: Services) {
    this.#options = options
    this.#services = services
    this.#mailbox = new Mailbox(options.mailbox)
    const world = {
      envelope: this.envelope,
      offer: (envelope: Envelope): boolean => this.#mailbox.size < this.#mailbox.capacity && this.#accept(envelope),
      fellBehind: (place: 'newest' | 'oldest'): void => {
        // What was lost at the front comes before all that waits; what waits of the world is then void.
        this.#resyncAfter = place === 'oldest' ? 0 : (this.#resyncAfter ?? this.#mailbox.size)
        options.arrived()
      },
      guestFailed: services.guests.failed,
    }
    this.#bindings = [...options.watch].map(([name, binding]) => createWorldBinding(name, binding, world))
  }

  get empty(): boolean {
    return this.#prelude.length === 0 && this.#mailbox.size === 0 && this.#resyncAfter === undefined
  }

  readonly envelope = (event: AgentEvent, trace: TraceContext | undefined, sender?: Sender): Envelope => {
    const { guests, clock } = this.#services
    return { event, trace, enqueuedAtMs: guests.watching ? clock.now() : undefined, sender }
  }

  /** True if accepted. Never throws, never runs the agent. */
  post(event: AgentEvent, trace: TraceContext | undefined, sender?: Sender, origin?: EffectOrigin): boolean {
    const made = this.envelope(event, trace, sender)
    const envelope = origin === undefined ? made : { ...made, origin }
    const type: unknown = (event as Partial<AgentEvent> | undefined)?.type
    // XState's own events would start, stop or finish the machine behind our back.
    if (typeof type !== 'string' || type.startsWith('xstate.')) return this.lose(envelope, 'bad-event')
    return this.#closed ? this.lose(envelope, 'stopped') : this.#accept(envelope)
  }

  #accept(envelope: Envelope): boolean {
    const dropped = this.#mailbox.offer(envelope)
    if (dropped !== undefined) this.lose(dropped, 'mailbox-full')
    this.#options.arrived()
    return dropped !== envelope
  }

  /** An event that is not delivered: its sender makes good for it, or it becomes a dead letter. */
  lose({ event, sender }: Envelope, reason: DeadLetterReason): false {
    if (sender?.lost(reason) === true) return false
    const { deadLetters, guests, clock } = this.#services
    const letter = { agentId: this.#options.agentId, event, reason, atMs: clock.now() }
    deadLetters.add(letter)
    guests.tell('onDeadLetter', letter)
    return false
  }

  next(): Envelope | undefined {
    for (;;) {
      const envelope = this.#prelude.pop() ?? this.#fromMailbox()
      if (envelope?.sender === undefined || envelope.sender.live) return envelope
    }
  }

  #fromMailbox(): Envelope | undefined {
    if (this.#resyncAfter === undefined) return this.#mailbox.take()
    if (this.#resyncAfter > 0 && this.#mailbox.size > 0) {
      this.#resyncAfter -= 1
      return this.#mailbox.take()
    }
    this.#catchUp()
    return this.#prelude.pop() ?? this.#mailbox.take()
  }

  /** What was missed of the world is made good by its present state (I5). */
  #catchUp(): void {
    this.#resyncAfter = undefined
    const late = this.#bindings.filter(({ behind }) => behind !== undefined)
    try {
      this.#prelude = late.flatMap((binding) => binding.open(binding.behind)).reverse()
    } catch (error) {
      // Only a closed grid refuses: there is no world any more to tell of.
      this.#services.guests.failed(error)
    }
  }

  /** Begins to watch. `first` is told before all, then the present entries, then what waits. */
  open(first: readonly Envelope[], resync: string | undefined): void {
    this.#resyncAfter = undefined
    this.#prelude = [...first, ...this.#bindings.flatMap((binding) => binding.open(resync))].reverse()
  }

  /** Stops to watch; what others send is kept. */
  pause(): void {
    this.#prelude = []
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
    for (let left = this.#mailbox.take(); left !== undefined; left = this.#mailbox.take()) this.lose(left, 'stopped')
  }
}
