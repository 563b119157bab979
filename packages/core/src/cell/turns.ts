import type { TraceContext } from '@stigmergy/grid'
import type { AnyMachineSnapshot } from 'xstate'
import { Audience } from '../life/audience.ts'
import { Cause } from './cause.ts'
import { Chain } from './chain.ts'
import type { AgentEvent, Envelope, Sender } from '../mailbox/envelope.ts'
import type { Gate } from '../durability/gate.ts'
import type { AgentInfo } from '../hooks.ts'
import type { Inbox } from '../mailbox/inbox.ts'
import type { EffectData, EffectOrigin } from '../durability/outbox.ts'
import type { CellOwner, Stored } from '../life/owner.ts'
import type { Runnable } from './pump.ts'
import { rememberIds } from '../mailbox/dedup.ts'
import { SeenEffects } from '../mailbox/seen.ts'
import type { Services } from '../services.ts'

const NO_IDS: readonly string[] = []

/** The turns an agent gets from the pump: in each it takes events from its inbox, one at a time. */
export abstract class Turns implements Runnable {
  readonly inbox: Inbox
  running = false
  queued = false
  protected readonly services: Services
  protected readonly owner: CellOwner
  protected readonly cause: Cause
  // Most agents have none of these.
  protected listeners: Audience | undefined
  #chain: Chain | undefined
  #inTurn = false
  /** What it was sent before. Most agents never need it. */
  protected seen: SeenEffects | undefined
  /** Violations that it begins with, as long as nobody knows of it. */
  #entered: string[] | undefined

  constructor(agent: AgentInfo, inbox: Inbox, services: Services, owner: CellOwner, listeners: Audience | undefined) {
    this.cause = new Cause(agent, services)
    this.listeners = listeners
    this.services = services
    this.owner = owner
    this.inbox = inbox
  }

  get audience(): Audience {
    this.listeners ??= new Audience(this.services.guests)
    return this.listeners
  }

  /** Of the host: a timer is due. */
  because(trace: TraceContext | undefined, fn: () => void): void {
    this.cause.because(trace)
    fn()
  }

  /** Of the host: an effect that is data. */
  dispatch(effect: EffectData): void {
    this.owner.dispatch(effect)
  }

  /** Of the host: its machine enters a violation. */
  enters(state: string): void {
    if (this.running) this.#violates(state, this.services.grid.trace.current ?? this.cause.last)
    else (this.#entered ??= []).push(state)
  }

  /** It is known to be there, or to have failed on the way: what it began with was entered, though by no transition. */
  tellEntered(trace: TraceContext | undefined): void {
    const entered = this.#entered
    this.#entered = undefined
    for (const state of entered ?? []) this.#violates(state, trace)
  }

  #violates(state: string, trace: TraceContext | undefined): void {
    this.services.guests.violation(this.cause.agent, { state, trace })
  }

  /** Of the host: one of its children says something. True if that is not taken, which is counted (I6). */
  refuses(event: AgentEvent): boolean {
    if (this.owner.keeping?.overrun !== true) return false
    this.inbox.lose(this.inbox.envelope(event, this.cause.last), 'mailbox-full')
    return true
  }

  /** An event of its own. Throws `CoreError` ENDLESS_LOOP. */
  protected link(agentId: string): void {
    this.#chain ??= new Chain(agentId)
    this.#chain.link()
  }

  /** Of events that its machine does not listen to only the hooks are told. */
  mention(events: readonly AgentEvent[], snapshot: AnyMachineSnapshot): void {
    for (const { type } of events) {
      this.cause.begin(type, undefined, this.owner.restarts)
      this.cause.end(snapshot, snapshot, undefined, true)
    }
  }

  protected abstract deliver(envelope: Envelope): void

  protected get gate(): Gate | undefined {
    return this.owner.keeping?.gate
  }

  protected get inTurn(): boolean {
    return this.#inTurn
  }

  /** What was stored of what it was sent before: its state is of then. Undefined: nothing is, so what it remembers itself stands. */
  protected remember(stored: Pick<Stored, 'seen' | 'ids'> | undefined, ids: number): void {
    if (stored === undefined) return
    this.seen = stored.seen && new SeenEffects(stored.seen)
    this.inbox.dedup?.backTo(stored.ids ?? NO_IDS)
    rememberIds(this, ids, stored.ids)
  }

  get ready(): boolean {
    return this.hasMail && !this.owner.full
  }

  get hasMail(): boolean {
    return this.running && !this.inbox.empty
  }

  /** Asks for a turn, to handle what came in and to tell the owner when all is handled. */
  wake(): void {
    if (this.running && !this.#inTurn) this.services.pump.wake(this)
  }

  run(limit: number): number {
    this.#inTurn = true
    let handled = 0
    while (handled < limit && this.running && !this.owner.full) {
      const envelope = this.inbox.next()
      if (envelope === undefined) break
      handled += 1
      if (envelope.origin === undefined || this.#isNew(envelope)) this.deliver(envelope)
    }
    this.#inTurn = false
    this.owner.rested()
    return handled
  }

  /** False for what was here before, and for what a replaced activation sends (I3). */
  #isNew({ origin, sender }: Envelope): boolean {
    this.seen ??= new SeenEffects()
    if (this.seen.take(origin as EffectOrigin) === 'new') return true
    this.services.repeated()
    if (sender !== undefined) this.acknowledge(sender)
    return false
  }

  /** The sender hears of it once the state that knows of it is committed. */
  protected acknowledge(sender: Sender): void {
    const { keeping } = this.owner
    if (keeping === undefined) sender.handled?.()
    else
      keeping.afterCommit(
        () => sender.handled?.(),
        () => sender.lost('stopped'),
      )
  }
}
