import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { Audience } from '../life/audience.ts'
import type { Envelope } from '../mailbox/envelope.ts'
import { Host } from './host.ts'
import type { HostOwner } from './host-owner.ts'
import type { Inbox } from '../mailbox/inbox.ts'
import type { CellOwner, Crash, Dreams, Origin, Stored } from '../life/owner.ts'
import type { CellOptions } from './cell-options.ts'
import { takeInterrupted, tellInterrupted, type Interrupted } from './interrupted.ts'
import { captureRecord, isPlain, type AgentRecord, type PersistedSnapshot } from '../durability/record.ts'
import type { Services } from '../services.ts'
import { stopChildren } from './step.ts'
import { startTimers } from './start-timers.ts'
import { moveTimers, waitsFor } from './timers.ts'
import type { DozingTimer } from './tree.ts'
import { Turns } from './turns.ts'

/** What breaks before the first event breaks on this one. */
export const INIT: AnyEventObject = { type: 'xstate.init' }

/**
 * One running agent: mailbox -> step -> effects -> checkpoint -> hooks. The only place that calls user code.
 * Events from outside come through the inbox, one at a time; those of its own timers and children through XState. All pass `handle`.
 */
export class Cell extends Turns implements HostOwner {
  readonly #options: CellOptions
  #interrupted: readonly Interrupted[] | undefined
  #host: Host | undefined
  /** The gate's next number when the step began. */
  #mark = 0
  #started = false
  #snapshot: AnyMachineSnapshot | undefined
  #delivering: Envelope | undefined
  /** The event of the step that is running, and what it came in. */
  #event: AnyEventObject | undefined
  #envelope: Envelope | undefined
  #crash: Crash | undefined

  constructor(options: CellOptions, services: Services, owner: CellOwner, inbox: Inbox, audience: Audience | undefined) {
    super(options.agent, inbox, services, owner, audience)
    this.#options = options
  }

  /** The last good snapshot. */
  get snapshot(): AnyMachineSnapshot {
    return this.#snapshot as AnyMachineSnapshot
  }

  protected deliver(envelope: Envelope): void {
    this.#delivering = envelope
    this.#host?._send(envelope.event)
  }

  /** Of the host: an event from the inbox, a child or a timer. */
  handle(event: AnyEventObject): void {
    // What its children say while they are being stopped is not for it any more.
    if (!this.running) return
    const host = this.#host as Host
    const envelope = this.#delivering?.event === event ? this.#delivering : undefined
    // Once: an agent may send itself the very event it was given.
    if (envelope !== undefined) this.#delivering = undefined
    this.#event = event
    this.#envelope = envelope
    this.#mark = this.gate?.next ?? 0
    this.cause.begin(event.type, envelope, this.owner.restarts)
    try {
      if (envelope === undefined) this.link(this.#options.agent.id)
      const { snapshot: next, effects } = host.step(event)
      // A child's error that nobody handled: a state to XState, a failure like any other to us.
      if (next.status === 'error') throw next.error
      const changed = next !== host.snapshot || moveTimers(effects)
      // With a gate, what leaves the agent leaves after the commit (I2).
      host.release(effects, next)
      this.#settle(next, changed || envelope?.origin !== undefined, effects.length > 0)
      const sender = envelope?.sender
      if (sender?.handled !== undefined) this.acknowledge(sender)
      if (sender?.question?.open === true) sender.waits?.()
    } catch (error) {
      this.#broke(error)
      return
    }
    if (this.snapshot.status === 'done') this.owner.done()
  }

  /** The step is done, all its effects have run or are held. */
  #settle(next: AnyMachineSnapshot, changed: boolean, acted: boolean): void {
    const before = this.snapshot
    this.#event = undefined
    this.#envelope = undefined
    this.#snapshot = next
    this.#host?.settled()
    this.cause.end(before, next, undefined, next === before && !acted)
    if (changed) this.owner.changed()
    if (next !== before) this.listeners?.tell(next)
  }

  #broke(error: unknown): void {
    this.#fail(error)
    this.#host?.end()
    this.#halt()
    if (this.#started) this.owner.broken(this.#crash as Crash)
  }

  /** An effect that was held threw: the state that caused it is committed, so the agent goes on from there. */
  effectFailed(error: unknown): void {
    if (!this.running) return
    this.#event = { type: 'agent.effect' }
    this.#envelope = undefined
    this.#mark = this.gate?.next ?? 0
    this.cause.begin(this.#event.type, undefined, this.owner.restarts)
    this.#broke(error)
  }

  /** The step has failed: the snapshot before it stays the last good one. */
  #fail(error: unknown): void {
    const event = this.#event ?? INIT
    const envelope = event === INIT ? undefined : this.#envelope
    this.#event = undefined
    const trace = event !== INIT ? this.cause.end(this.snapshot, this.snapshot, error) : this.cause.last
    this.#crash = { error, event, trace }
    this.gate?.cut(this.#mark)
    // It may come again.
    if (envelope?.origin !== undefined) this.seen?.untake(envelope.origin)
    if (envelope?.id !== undefined) this.inbox.dedup?.untaken(envelope.id)
    this.owner.breaking(event)
    if (envelope !== undefined) this.inbox.crashed(envelope)
    else if (!event.type.startsWith('xstate.')) this.inbox.lose(this.inbox.envelope(event, trace), 'crashed')
  }

  /** Computes the first snapshot. Nothing has happened yet. Throws what the machine throws. */
  prepare({ stored, remembered }: Origin): void {
    const { machine, input, retryable } = this.#options
    this.#interrupted = stored && takeInterrupted(machine, stored.snapshot as PersistedSnapshot, retryable)
    const host = this.#newHost()
    const first = host.prepare(input, stored?.snapshot)
    if (first.status === 'error') throw first.error
    host.unarmed = stored?.timers ?? []
    this.#host = host
    this.#snapshot = first
    this.remember(remembered, this.#options.mailbox.dedup)
    this.#crash = undefined
    this.#started = false
  }

  #newHost(): Host {
    const { machine, agent, durability } = this.#options
    const { gated, environment } = this.services
    const gate = durability === 'gated' ? this.gate : undefined
    return new Host({ id: agent.id, environment, gate, machine: gate === undefined ? machine : gated(machine) }, this)
  }

  /** Goes on where it fell asleep: nobody is told of it. */
  resume(stored: Stored, { dozing, trace }: Dreams, due: DozingTimer | undefined): void {
    const host = this.#newHost()
    this.#snapshot = host.prepare(undefined, stored.snapshot)
    this.#host = host
    this.remember(stored, this.#options.mailbox.dedup)
    this.cause.because(trace)
    this.#started = true
    this.running = true
    host.resume(dozing, due)
  }

  /** What it would sleep with. Undefined: it is in the middle of something, or has what only lives in memory. */
  get dreams(): Dreams | undefined {
    const dozing = this.running && !this.inTurn && this.#event === undefined ? this.#host?.dozing : undefined
    return dozing && { dozing, trace: this.cause.last, audience: this.listeners }
  }

  /** It sleeps: whoever still knows its machine by `self` reaches the one that comes after it. */
  dismiss(): void {
    this.running = false
    this.#host?.giveWay(() => {
      const next = this.owner.cell as Cell
      return next.running ? next.#host : undefined
    })
  }

  /** Runs the first effects. Throws what they throw; nothing runs then. */
  start({ stored, trace, first = [] }: Origin): void {
    const host = this.#host as Host
    this.running = true
    try {
      this.cause.run(trace, () =>
        host.start(() => {
          startTimers(host, stored !== undefined, this.#options.timers)
          // A new agent whose children fail at once has not started; a restored one fails like any other.
          this.#started = first.length > 0
          this.listeners?.tell(this.snapshot)
          for (const event of first) this.deliver(this.inbox.envelope(event, trace))
          for (const lost of tellInterrupted(host.self, host.id, this.#interrupted))
            this.inbox.lose(this.inbox.envelope(lost, trace), 'interrupted')
        }),
      )
    } catch (error) {
      this.#broke(error)
    }
    if (!this.#started && this.#crash !== undefined) throw this.#crash.error
    this.#started = true
    if (!this.running) return
    if (host.tree?.waiting === true || (this.#interrupted?.length ?? 0) > 0) this.owner.changed()
    if (this.snapshot.status === 'done') this.owner.done()
  }

  /** Takes events from outside. */
  open({ stored }: Origin): void {
    if (!this.running) return
    try {
      // What is stored may speak of entries that are gone by now: a restored agent is told so (I5).
      this.inbox.open(stored === undefined ? undefined : 'restored')
    } catch (error) {
      // A closed grid. Without its world the agent does not run at all.
      this.#halt()
      this.#host?.stop()
      throw error
    }
    this.wake()
  }

  #halt(): void {
    this.running = false
    this.inbox.pause()
    const mark = this.gate?.next ?? 0
    stopChildren(this.#host?.snapshot)
    // Children that a failed step was about to stop are only here.
    stopChildren(this.#snapshot)
    // What ends them need not wait for a commit.
    this.gate?.cut(mark)
  }

  /** Nothing of it runs any more; what waits is kept. */
  suspend(): void {
    this.#halt()
    this.#host?.stop()
  }

  /** The last good snapshot, if it is all there is to keep: no child, no timer, nothing it was sent that it must know again. */
  get plain(): AnyMachineSnapshot | undefined {
    const { snapshot } = this
    const more = waitsFor(this.#host as Host, snapshot) || this.seen !== undefined || this.inbox.dedup !== undefined
    return !more && snapshot.status === 'active' && isPlain(snapshot) ? snapshot : undefined
  }

  /** The state to keep: that of the last good snapshot. */
  capture(failedChild: string | undefined): AgentRecord {
    const { machine, agent } = this.#options
    const sent = { seen: this.seen?.rows, ids: this.inbox.dedup?.handled }
    return captureRecord(this.#host as Host, machine, agent.type, this.snapshot, failedChild, sent, this.#options.timers)
  }
}
