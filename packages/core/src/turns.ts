import type { AnyMachineSnapshot } from 'xstate'
import type { Envelope, Sender } from './envelope.ts'
import type { Gate } from './gate.ts'
import type { InboxOptions, InboxOwner } from './inbox-options.ts'
import { Inbox } from './inbox.ts'
import type { EffectOrigin } from './outbox.ts'
import type { CellOwner } from './owner.ts'
import type { Runnable } from './pump.ts'
import { SeenEffects } from './seen.ts'
import type { Services } from './services.ts'

/** The turns an agent gets from the pump: in each it takes events from its inbox, one at a time. */
export abstract class Turns implements Runnable, InboxOwner {
  readonly inbox: Inbox
  running = false
  protected readonly services: Services
  protected readonly owner: CellOwner
  #inTurn = false
  /** What it was sent before. Most agents never need it. */
  protected seen: SeenEffects | undefined

  constructor(options: InboxOptions, services: Services, owner: CellOwner) {
    this.services = services
    this.owner = owner
    this.inbox = new Inbox(options, this, services)
  }

  /** The last good snapshot. */
  abstract get snapshot(): AnyMachineSnapshot

  protected abstract deliver(envelope: Envelope): void

  protected get gate(): Gate | undefined {
    return this.owner.gate
  }

  get ready(): boolean {
    return this.running && !this.inbox.empty && !this.owner.full
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
    if (this.gate === undefined) sender.handled?.()
    else
      this.gate.hold(
        () => sender.handled?.(),
        () => sender.lost('stopped'),
      )
  }
}
