import type { AnyEventObject, AnyMachineSnapshot } from 'xstate'
import type { OpenAsk } from '../mailbox/asking.ts'
import { Asleep, NO_DREAMS, type Sleeper } from './asleep.ts'
import { Cell, INIT } from '../cell/cell.ts'
import { Ending } from './ending.ts'
import { Idle } from './idle.ts'
import type { InboxOwner } from '../mailbox/inbox-options.ts'
import { Inbox } from '../mailbox/inbox.ts'
import { Keeping } from '../durability/keeping.ts'
import { decodeRecord, type Kept, type Resting } from '../durability/kept.ts'
import type { LifeOptions } from './life-options.ts'
import type { EffectData } from '../durability/outbox.ts'
import type { CellOwner, Crash, Origin } from './owner.ts'
import type { Runnable } from '../cell/pump.ts'
import type { AgentRecord } from '../durability/record.ts'
import type { Services } from '../services.ts'
import type { Tenure } from './tenure.ts'
import type { DozingTimer } from '../cell/tree.ts'
import type { Waiting } from '../durability/waiters.ts'

/**
 * What of an agent is in memory: all of it, or while it sleeps its state as bytes and what others sent. Whoever asks for its `cell`
 * wakes it.
 */
export abstract class Body implements CellOwner, Kept, InboxOwner, Runnable, Sleeper {
  protected readonly options: LifeOptions
  protected readonly services: Services
  queued = false
  #inbox: Inbox | undefined
  #cell: Cell | undefined
  #keeping: Keeping | undefined
  #asleep: Asleep | undefined
  #idle: Idle | undefined
  /** Questions that were handled and not answered. */
  #asked: Set<OpenAsk> | undefined

  constructor(options: LifeOptions, services: Services) {
    this.options = options
    this.services = services
  }

  abstract readonly ended: boolean
  abstract readonly restarts: number
  /** It has started, runs, and is not being stopped. */
  protected abstract readonly settledDown: boolean
  abstract origin(record: AgentRecord | undefined, crash: Crash | undefined): Origin
  abstract breaking(event: AnyEventObject): void
  abstract broken(crash: Crash): void
  abstract lost(error: unknown): void
  abstract done(): void

  get inbox(): Inbox {
    if (this.#inbox === undefined) {
      this.#inbox = new Inbox(this.options, this, this.services)
      if (this.ended) this.#inbox.close()
    }
    return this.#inbox
  }

  get cell(): Cell {
    if (this.#asleep !== undefined) return this.#awaken(this.#asleep, undefined)
    this.#cell ??= this.#newCell(undefined)
    return this.#cell
  }

  #newCell(asleep: Asleep | undefined): Cell {
    const cell = new Cell(this.options, this.services, this, this.inbox, asleep?.dreams?.audience)
    const { passivateAfterMs } = this.options
    if (passivateAfterMs !== Infinity && !this.ended) {
      this.#idle ??= new Idle(this.services.idling, passivateAfterMs, () => void this.evict())
      this.#idle.begin()
    }
    // The agent's own events change its state as well: what was set aside may be due.
    if (this.options.stash !== undefined && asleep?.dreams === undefined) cell.audience.subscribe(() => this.wake())
    return cell
  }

  get keeping(): Keeping | undefined {
    if (this.options.durability !== 'none') this.#keeping ??= new Keeping(this.options, this.services, this)
    return this.#keeping
  }

  /** True while nothing of its machine is in memory. */
  get asleep(): boolean {
    return this.#asleep !== undefined
  }

  /** True if it runs, in memory. */
  get awake(): boolean {
    return this.#cell?.running === true
  }

  /** How many events wait, those that are set aside among them. */
  get waiting(): number {
    if (this.#inbox === undefined) return 0
    const { waiting, system, stashed } = this.#inbox.state
    return waiting + system + stashed
  }

  get snapshot(): AnyMachineSnapshot {
    return this.cell.snapshot
  }

  get full(): boolean {
    return this.#keeping?.full ?? false
  }

  dispatch(effect: EffectData): void {
    if (this.#keeping !== undefined) return this.#keeping.dispatch(effect)
    this.services.doer.once(effect, this.services.grid.trace.current, this.options.agent.id)
  }

  changed(): void {
    this.#keeping?.changed()
  }

  rested(): void {
    this.#idle?.touched()
    this.#keeping?.flush()
  }

  /** Something has arrived. */
  wake(): void {
    if (this.#asleep === undefined) this.#cell?.wake()
    else if (!this.ended) this.services.pump.wake(this)
  }

  get ready(): boolean {
    return this.#cell?.ready ?? false
  }

  run(limit: number): number {
    return this.ended ? 0 : this.cell.run(limit)
  }

  /** Stores the state as it is now. */
  checkpoint(waiting: Waiting): void {
    if (this.#asleep !== undefined || this.#keeping === undefined) waiting.resolve()
    else this.#keeping.settle(waiting)
  }

  /** True if its state has changed since it was last stored. */
  get unstored(): boolean {
    return this.#asleep === undefined && this.#keeping?.unstored === true
  }

  /** Stores what is not stored, and lets its machine go. False if it cannot sleep now. */
  async evict(): Promise<boolean> {
    if (this.#asleep !== undefined) return true
    if (!this.#restful) return false
    const keeping = this.#keeping as Keeping
    return keeping.settled().then(
      () => this.#fallAsleep(),
      () => false,
    )
  }

  get #restful(): boolean {
    return this.settledDown && this.#keeping !== undefined && this.#inbox?.empty === true && this.#cell?.dreams !== undefined
  }

  #fallAsleep(): boolean {
    const [cell, resting] = [this.#cell, this.#keeping?.atRest]
    const dreams = this.#restful ? cell?.dreams : undefined
    if (dreams === undefined || resting === undefined) return false
    let bytes: Uint8Array
    try {
      // Not from Node's pool: it may sleep for long, and would keep alive what others have in the same page.
      bytes = new Uint8Array((this.#keeping as Keeping).encode().bytes)
    } catch {
      return false
    }
    this.sleep(bytes, resting, dreams)
    this.#keeping = undefined
    this.#cell = undefined
    cell?.dismiss()
    if (this.#inbox?.pristine === true) this.#inbox = undefined
    return true
  }

  sleep(bytes: Uint8Array, resting: Resting, dreams: Asleep['dreams']): void {
    this.#keeping = undefined
    this.#idle?.close()
    // Asked before it sleeps: what is set aside is judged by the snapshot, and to look at that would wake it.
    const due = this.#inbox?.empty === false
    this.#asleep = new Asleep(bytes, resting, dreams, this.services.clock, this)
    if (due) this.wake()
  }

  due(timer: DozingTimer): void {
    if (this.#asleep !== undefined) this.#awaken(this.#asleep, timer)
  }

  #awaken(asleep: Asleep, due: DozingTimer | undefined): Cell {
    const { bytes, resting, dreams } = asleep
    asleep.close()
    this.#asleep = undefined
    const record = decodeRecord(this.options, this.services.codec, bytes) as AgentRecord
    if (!this.ended) this.keeping?.adopt(resting.fence, resting.rev, record)
    const cell = this.#newCell(asleep)
    this.#cell = cell
    try {
      if (this.ended) cell.prepare(this.origin(record, undefined))
      else cell.resume(record, dreams ?? NO_DREAMS, due)
      // It was restored, and sleeps well: its machine does not listen to the news of it.
      if (dreams === undefined && !this.ended && this.services.guests.watching)
        cell.mention(this.origin(record, undefined).first ?? [], cell.snapshot)
    } catch (error) {
      this.broken({ error, event: INIT, trace: undefined })
    }
    return cell
  }

  /** A question waits for its answer: it is told if the agent ends. */
  asked(asking: OpenAsk): void {
    if (this.ended) return asking.over()
    this.#asked ??= new Set()
    this.#asked.add(asking)
  }

  answered(asking: OpenAsk): void {
    this.#asked?.delete(asking)
  }

  /** It has ended: nobody will answer. */
  protected failQuestions(): void {
    for (const asking of this.#asked ?? []) asking.over()
  }

  /** Brings down what is in memory. What waits becomes dead letters. */
  protected close(): void {
    // What is left of its timers may be part of what is stored last.
    if (this.#asleep?.hasTimers === true) this.#awaken(this.#asleep, undefined)
    if (this.#asleep === undefined) this.#cell?.suspend()
    this.#idle?.close()
    this.#inbox?.close()
    this.#inbox?.clear()
  }

  /** It may not write any more, and nothing leaves it. */
  protected forsake(error: unknown): void {
    this.#keeping?.forsake(error)
  }

  /** Stores what is last, or that there is none, and does what is left. */
  protected ends(state: 'last' | 'none', tenure: Tenure | undefined): Ending {
    return new Ending(this.#asleep === undefined ? this.#keeping : undefined, state, tenure)
  }
}
