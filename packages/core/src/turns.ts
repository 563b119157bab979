import type { AnyMachineSnapshot } from 'xstate'
import type { Envelope } from './envelope.ts'
import type { AgentInfo } from './hooks.ts'
import { Inbox } from './inbox.ts'
import type { ResolvedMailboxOptions } from './mailbox.ts'
import type { Need } from './need.ts'
import type { CellOwner } from './owner.ts'
import type { Runnable } from './pump.ts'
import type { Services } from './services.ts'
import type { StashWhile } from './stash.ts'
import type { WatchBinding } from './world.ts'

export interface TurnsOptions {
  readonly agent: AgentInfo
  readonly mailbox: ResolvedMailboxOptions
  readonly watch: ReadonlyMap<string, WatchBinding<unknown>>
  readonly stash: StashWhile | undefined
  readonly needs: ReadonlyMap<string, Need>
}

/** The turns an agent gets from the pump: in each it takes events from its inbox, one at a time. */
export abstract class Turns implements Runnable {
  readonly inbox: Inbox
  running = false
  readonly #services: Services
  readonly #owner: CellOwner
  #inTurn = false

  constructor({ agent, mailbox, watch, stash, needs }: TurnsOptions, services: Services, owner: CellOwner) {
    this.#services = services
    this.#owner = owner
    const arrived = (): void => this.wake()
    this.inbox = new Inbox({ agent, mailbox, watch, stash, needs, snapshot: () => this.snapshot, arrived }, services)
  }

  /** The last good snapshot. */
  abstract get snapshot(): AnyMachineSnapshot

  protected abstract take(envelope: Envelope): void

  get ready(): boolean {
    return this.running && !this.inbox.empty && !this.#owner.full
  }

  /** Asks for a turn, to handle what came in and to tell the owner when all is handled. */
  wake(): void {
    if (this.running && !this.#inTurn) this.#services.pump.wake(this)
  }

  run(limit: number): number {
    this.#inTurn = true
    let handled = 0
    while (handled < limit && this.running && !this.#owner.full) {
      const envelope = this.inbox.next()
      if (envelope === undefined) break
      handled += 1
      this.take(envelope)
    }
    this.#inTurn = false
    this.#owner.rested()
    return handled
  }
}
