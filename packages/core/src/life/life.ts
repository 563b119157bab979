import type { AnyEventObject, AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import { Body } from './body.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import type { Ending } from './ending.ts'
import { isCoreError } from '../errors.ts'
import type { AgentInfo, StateShape } from '../hooks.ts'
import type { AgentStatus, LifeOptions } from './life-options.ts'
import { originOf } from './origin.ts'
import type { Crash, Origin } from './owner.ts'
import { Pause } from '../durability/pause.ts'
import type { AgentRecord } from '../durability/record.ts'
import { brokeOnRestore, childOf, SUSPENDED } from '../durability/restored.ts'
import { isAway } from '../durability/store.ts'
import type { Services } from '../services.ts'
import { createSupervisor, type Decision, type Supervisor } from '../supervision/supervisor.ts'
import type { Tenure } from './tenure.ts'
import { stoppedEarly } from '../cell/wrap.ts'

/** An agent from its spawn to its end: starts it, keeps its state, restarts it, stops it. */
export class Life extends Body {
  readonly info: AgentInfo
  /** Once it has started: the agent as others see it. */
  ref: AgentRef<AnyStateMachine> | undefined
  // Made when they are needed: most agents never fail, and nobody waits for their end.
  #supervisor: Supervisor | undefined
  #onEnd: Set<() => void> | undefined
  #status: AgentStatus = 'running'
  #restarts = 0
  #rung = 0
  #crash: Crash | undefined
  /** A child's last word that the agent crashed on: with the child gone nobody would say it again. */
  #lastWord: AgentEvent | undefined
  #spawned = false
  #attempt = 0
  /** The store was out of reach when it was to be restarted. */
  #again: Pause | undefined
  #stopping: Promise<void> | undefined
  /** Once it has ended: what has still to be stored, done and given back. */
  ending: Ending | undefined
  /** Its right to be the only activation, where there is an authority. */
  tenure: Tenure | undefined

  constructor(options: LifeOptions, services: Services) {
    super(options, services)
    this.info = options.agent
    this.#supervisor = options.supervisor
  }

  get status(): AgentStatus {
    return this.#stopping !== undefined && !this.ended ? 'stopped' : this.#status
  }

  get restarts(): number {
    return this.#restarts
  }

  get ended(): boolean {
    return this.#status !== 'running' && this.#status !== 'restarting'
  }

  /** Calls `fn` when the agent has ended; at once if it has. */
  onEnd(fn: () => void): () => void {
    if (this.ended) fn()
    else {
      this.#onEnd ??= new Set()
      this.#onEnd.add(fn)
    }
    return () => this.#onEnd?.delete(fn)
  }

  protected get settledDown(): boolean {
    return this.#spawned && this.#status === 'running' && this.#stopping === undefined
  }

  /**
   * It is over before it has begun. `state`: what is to be stored of it, or that there is none. Resolves to why, as whoever spawned it is told.
   */
  async notStarted(why: unknown, state: 'last' | 'none'): Promise<unknown> {
    if (!this.ended) this.#end('failed', state)
    else if (this.tenure !== undefined) this.ending?.give(this.tenure)
    const over = this.ending?.handOver()
    // The next spawn waits until what never ran is forgotten. So does this one, unless it is the store that failed.
    if (this.tenure !== undefined || isCoreError(why, 'START_FAILED')) await over?.catch(() => undefined)
    // Closing a system takes the store from those that it stops.
    return isCoreError(why, 'CLOSED') && this.#status === 'stopped' ? stoppedEarly(this.info.id) : why
  }

  /** Its first step. `origin`: undefined if it sleeps. Throws what it throws. */
  begin(origin: Origin | undefined): void {
    if (this.#crash !== undefined) throw this.#crash.error
    this.#spawned = true
    const { events, root } = this.options.machine
    this.services.guests.tell('onSpawn', this.info, events as readonly string[], root as StateShape)
    if (origin === undefined) return
    this.cell.tellEntered(origin.trace)
    if (this.options.durability !== 'gated') this.cell.start(origin)
    this.cell.open(origin)
    if (this.cell.snapshot.status === 'done') this.done()
  }

  origin(record: AgentRecord | undefined, crash: Crash | undefined, remembered: AgentRecord | undefined = record): Origin {
    return originOf({ record, remembered, crash, restarts: this.#restarts, lastWord: this.#lastWord })
  }

  breaking(event: AnyEventObject): void {
    if (!this.ended) this.#keep(childOf(event, 'error'))
  }

  #keep(failedChild: string | undefined): void {
    if (this.#spawned) this.keeping?.hold(failedChild)
  }

  broken(crash: Crash): void {
    if (this.ended) return
    if (childOf(crash.event, 'done') !== undefined) this.#lastWord = crash.event
    else if (crash.event.type !== 'agent.restored') this.#lastWord = undefined
    this.#crash = crash
    if (!this.#spawned) return
    this.keeping?.flush()
    this.#decide(crash)
  }

  #decide(crash: Crash, restoring = brokeOnRestore(crash)): void {
    // Down the ladder: the last state, the one before, a new beginning; then it is given up.
    if (this.keeping !== undefined) this.#rung = restoring ? this.#rung + 1 : 0
    this.#status = 'restarting'
    const { clock, random } = this.services
    this.#supervisor ??= createSupervisor(this.options.supervision, clock, random, () => void this.restart())
    const decided: Decision = this.#rung > 2 ? { type: 'stop' } : this.#supervisor.failed()
    const decision = decided.type === 'restart' ? { ...decided, restarts: this.#restarts + 1 } : decided
    const { error, event, trace } = crash
    this.services.guests.tell('onFailure', { agent: this.info, error, event: event.type, trace, decision })
    if (decision.type === 'stop') this.#end('failed')
  }

  /** Brings it down as it is: its supervisor restarts it with its siblings. */
  suspend(): void {
    this.#attempt += 1
    this.#again?.stop()
    if (this.#status !== 'running' || !this.#spawned) return
    this.#keep(undefined)
    this.cell.suspend()
    this.#status = 'restarting'
    this.#crash = SUSPENDED
    this.keeping?.flush()
  }

  /** Resumes it from its last stored state, or from the beginning. What fails meanwhile is told to its supervisor. */
  async restart(): Promise<void> {
    if (this.#status !== 'restarting') return // It is only being started: it goes on, with what it holds.
    const crash = this.#crash as Crash
    const attempt = ++this.#attempt
    this.#again?.stop()
    let read = false
    try {
      // What is in the store is the truth: what could not be written there is not what the agent resumes from.
      const reloaded = await this.keeping?.reload(this.#rung)
      read = true
      this.#again = undefined
      if (this.#status !== 'restarting' || attempt !== this.#attempt) return
      this.#restarts += 1
      const origin = this.origin(reloaded?.record, crash, reloaded?.newest)
      this.cell.prepare(origin)
      this.#status = 'running'
      this.services.guests.tell('onRestart', this.info, this.#restarts, origin.stored === undefined ? 'initial' : 'checkpoint')
      this.cell.tellEntered(origin.trace)
      this.cell.start(origin)
      this.cell.open(origin)
    } catch (error) {
      if (this.ended || attempt !== this.#attempt) return
      this.cell.tellEntered(crash.trace)
      // A store that is out of reach says nothing against the agent: it waits, as one that runs does, and that is not counted.
      if (!read && isAway(error)) {
        this.services.guests.tell('onCheckpointError', this.info, error)
        this.#again ??= new Pause(this.services.clock)
        await this.#again.wait()
        // Whoever waits for it waits for that as well: what is restarted together is restarted in order.
        return attempt === this.#attempt && !this.ended ? this.restart() : undefined
      }
      // One that is newer than this program is no reason to begin anew.
      this.#decide({ ...crash, error }, read || isCoreError(error, 'STORE_BROKEN'))
    }
  }

  /** Another activation took over: this one is over and is not restarted here (I1). */
  lost(error: unknown): void {
    if (isCoreError(error, 'LEASE_LOST')) this.forsake(error)
    if (this.ended || !this.#spawned) return
    this.services.guests.tell('onFailure', { agent: this.info, error, event: 'checkpoint', trace: undefined, decision: { type: 'stop' } })
    this.#end('failed')
  }

  done(): void {
    // One that is at its end before it is said to have begun ends after that.
    if (!this.ended && this.#spawned) this.#end('done')
  }

  /** Its end was asked for, whatever became of it before. */
  get stopAsked(): boolean {
    return this.#stopping !== undefined
  }

  /** Stops it and waits until its last state is stored. Rejects if it cannot be. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.inbox.close()
    // Never in the middle of a step: an agent may stop itself.
    await Promise.resolve()
    if (!this.ended) this.#end('stopped')
    await this.ending?.stopped
  }

  #end(reason: 'stopped' | 'done' | 'failed', state: 'last' | 'none' = 'last'): void {
    this.#status = reason
    this.#supervisor?.close()
    this.#again?.stop()
    // Once it has crashed, what was kept then is all there is.
    if (this.awake) this.#keep(undefined)
    this.close()
    this.ending = this.ends(state, this.tenure)
    if (this.#spawned) this.services.guests.tell('onStop', this.info, reason)
    this.services.ended(this)
    for (const fn of this.#onEnd ?? []) this.services.guests.call(fn, undefined)
    this.#onEnd = undefined
    this.failQuestions()
  }
}
