import type { AnyActor, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { Cause } from './cause.ts'
import type { Envelope } from './envelope.ts'
import { CoreError } from './errors.ts'
import type { AgentInfo } from './hooks.ts'
import { Inbox } from './inbox.ts'
import type { ResolvedMailboxOptions } from './mailbox.ts'
import type { CellOwner, Crash, Origin } from './owner.ts'
import type { Runnable } from './pump.ts'
import { captureRecord, type AgentRecord } from './record.ts'
import type { Services } from './services.ts'
import type { StashWhile } from './stash.ts'
import { createSteppedActor, stopChildren, type OnEvent } from './step.ts'
import { moveTimers, pendingTimers, rearmTimers } from './timers.ts'
import type { WatchBinding } from './world.ts'

export interface CellOptions {
  readonly agent: AgentInfo
  readonly machine: AnyStateMachine
  readonly input: unknown
  readonly mailbox: ResolvedMailboxOptions
  readonly watch: ReadonlyMap<string, WatchBinding<unknown>>
  readonly stash: StashWhile | undefined
}

/** Events of its own an agent may handle in one go. A loop of them would hang the process (I8). */
const MAX_CHAIN = 100_000

/**
 * One running agent: mailbox -> step -> effects -> checkpoint -> hooks. The only place that calls user code.
 * Events from outside come through the inbox, one at a time; those of the agent's own timers and children
 * come through XState. All of them pass `#onEvent`.
 */
export class Cell implements Runnable {
  readonly inbox: Inbox
  readonly #options: CellOptions
  readonly #services: Services
  readonly #owner: CellOwner
  readonly #cause: Cause
  readonly #listeners = new Set<(snapshot: AnyMachineSnapshot) => void>()
  #actor: AnyActor | undefined
  #snapshot: AnyMachineSnapshot | undefined
  #running = false
  #inTurn = false
  #delivering: Envelope | undefined
  #step: { readonly event: AnyEventObject; readonly envelope: Envelope | undefined } | undefined
  #chain = 0
  #crash: Crash | undefined

  constructor(options: CellOptions, services: Services, owner: CellOwner) {
    this.#options = options
    this.#services = services
    this.#owner = owner
    const { agent, mailbox, watch, stash } = options
    this.#cause = new Cause(agent, services)
    const arrived = (): void => this.wake()
    this.inbox = new Inbox({ agentId: agent.id, mailbox, watch, stash, snapshot: () => this.snapshot, arrived }, services)
  }

  /** The last good snapshot. */
  get snapshot(): AnyMachineSnapshot {
    return this.#snapshot as AnyMachineSnapshot
  }

  get running(): boolean {
    return this.#running
  }

  get ready(): boolean {
    return this.#running && !this.inbox.empty
  }

  /** Asks for a turn, to handle what came in and to tell the owner when all is handled. */
  wake(): void {
    if (this.#running && !this.#inTurn) this.#services.pump.wake(this)
  }

  run(limit: number): number {
    this.#inTurn = true
    let handled = 0
    while (handled < limit && this.#running) {
      const envelope = this.inbox.next()
      if (envelope === undefined) break
      handled += 1
      this.#delivering = envelope
      this.#actor?.send(envelope.event)
    }
    this.#inTurn = false
    this.#owner.rested()
    return handled
  }

  readonly #onEvent: OnEvent = (stepper, snapshot, event) => {
    if (event.type === 'xstate.stop') {
      const { snapshot: stopped, effects } = stepper.step(snapshot, event)
      stepper.release(effects)
      return stopped
    }
    // What its children say while they are being stopped is not for it any more.
    if (!this.#running) return snapshot
    const envelope = this.#delivering?.event === event ? this.#delivering : undefined
    // Once: an agent may send itself the very event it was given.
    if (envelope !== undefined) this.#delivering = undefined
    this.#step = { event, envelope }
    this.#cause.begin(event.type, envelope, this.#owner.restarts)
    try {
      if (envelope === undefined) this.#link()
      const { snapshot: next, effects } = stepper.step(snapshot, event)
      // A child's error that nobody handled: a state to XState, a failure like any other to us.
      if (next.status === 'error') throw next.error
      // The commit point (I2): what leaves the agent leaves after this line.
      stepper.release(effects)
      stepper.after(next === snapshot && !moveTimers(effects) ? this.#unchanged : this.#settle)
      return next
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  /** The step is done, all its effects have run. */
  readonly #settle = (): void => {
    const before = this.snapshot
    const next = this.#actor?.getSnapshot() as AnyMachineSnapshot
    this.#step = undefined
    this.#snapshot = next
    this.#cause.end(before, next, undefined)
    this.#owner.changed()
    if (next !== before) this.#tell(next)
  }

  readonly #unchanged = (): void => {
    this.#step = undefined
    this.#cause.end(this.snapshot, this.snapshot, undefined)
  }

  /** The step has failed: the snapshot before it stays the last good one. */
  #fail(error: unknown): void {
    if (this.#step === undefined) return
    const { event, envelope } = this.#step
    this.#step = undefined
    const trace = this.#cause.end(this.snapshot, this.snapshot, error)
    this.#crash = { error, event, trace }
    this.#owner.breaking(event)
    if (envelope !== undefined) this.inbox.crashed(envelope)
    else if (!event.type.startsWith('xstate.')) this.inbox.lose(this.inbox.envelope(event, trace), 'crashed')
  }

  #tell(snapshot: AnyMachineSnapshot): void {
    for (const listener of this.#listeners) this.#services.guests.call(listener, snapshot)
  }

  /** Counts the agent's own events until its stack is empty. */
  #link(): void {
    this.#chain += 1
    if (this.#chain === 1) {
      queueMicrotask(() => {
        this.#chain = 0
      })
    }
    if (this.#chain <= MAX_CHAIN) return
    const id = JSON.stringify(this.#options.agent.id)
    throw new CoreError('ENDLESS_LOOP', `agent ${id} sent itself ${MAX_CHAIN} events in one go: that has no end`)
  }

  /** Computes the first snapshot. Nothing has happened yet. Throws what the machine throws. */
  prepare({ stored }: Origin): void {
    const { machine, agent, input } = this.#options
    const { clock, bounded } = this.#services
    const actor = createSteppedActor(bounded(machine), this.#onEvent, { clock, id: agent.id, input, snapshot: stored?.snapshot })
    const first = actor.getSnapshot() as AnyMachineSnapshot
    if (first.status === 'error') throw first.error
    this.#actor = actor
    this.#snapshot = first
  }

  /** Runs the first effects, then takes events. Throws what those effects throw; nothing runs then. */
  begin({ stored, trace, first = [] }: Origin): void {
    const actor = this.#actor as AnyActor
    let failure: { readonly error: unknown } | undefined
    let started = false
    // Without an observer of errors XState would end the process.
    actor.subscribe({
      error: (error: unknown) => {
        this.#fail(error)
        this.#halt()
        if (started) this.#owner.broken(this.#crash as Crash)
        else failure = { error }
      },
      complete: () => {
        if (actor.getSnapshot().status !== 'done') return
        this.#snapshot = actor.getSnapshot() as AnyMachineSnapshot
        this.#owner.done()
      },
    })
    this.#running = true
    this.#cause.run(trace, () => actor.start())
    if (failure !== undefined) throw failure.error
    started = true
    if (!this.#running) return
    this.#tell(this.snapshot)
    // What is stored may speak of entries that are gone by now: a restored agent is told so (I5).
    const resync = stored === undefined ? undefined : 'restored'
    try {
      if (pendingTimers(actor).length > 0) this.#owner.changed()
      if (stored !== undefined) rearmTimers(actor, stored.timers)
      const told = first.map((event) => this.inbox.envelope(event, trace))
      this.inbox.open(told, resync)
    } catch (error) {
      // A closed grid, or a delay that throws. Without its world and its timers the agent does not run at all.
      this.#halt()
      actor.stop()
      throw error
    }
    this.wake()
  }

  #halt(): void {
    this.#running = false
    this.inbox.pause()
    stopChildren(this.#actor?.getSnapshot())
    // Children that a failed step was about to stop are only here.
    stopChildren(this.#snapshot)
  }

  /** Nothing of it runs any more; what waits is kept. */
  suspend(): void {
    this.#halt()
    this.#actor?.stop()
  }

  /** Stops the agent. What waits becomes dead letters. */
  close(): void {
    this.suspend()
    this.inbox.close()
    this.inbox.clear()
  }

  /** The state to keep: that of the last good snapshot. */
  capture(failedChild: string | undefined): AgentRecord {
    const { machine, agent } = this.#options
    return captureRecord(this.#actor as AnyActor, machine, agent.type, this.snapshot, failedChild)
  }

  subscribe(listener: (snapshot: AnyMachineSnapshot) => void): () => void {
    const own = (snapshot: AnyMachineSnapshot): unknown => listener(snapshot)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }
}
