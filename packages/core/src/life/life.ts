import type { AnyEventObject, AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import { arrive } from './arrival.ts'
import { Body } from './body.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import type { Ending } from './ending.ts'
import { isCoreError } from '../errors.ts'
import type { AgentInfo } from '../hooks.ts'
import { tellBegun, tellSpawn } from './told.ts'
import type { Found } from '../durability/kept.ts'
import type { AgentStatus, LifeOptions } from './life-options.ts'
import type { Crash, Origin } from './owner.ts'
import type { AgentRecord } from '../durability/record.ts'
import { brokeOnRestore, childOf, SUSPENDED, type RestoredEvent } from '../durability/restored.ts'
import type { Services } from '../services.ts'
import { createSupervisor, type Decision, type Supervisor } from '../supervision/supervisor.ts'
import { fenceOf, type Tenure } from './tenure.ts'
import { firstStep, stoppedEarly } from '../cell/wrap.ts'

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
  /** How far down the ladder the next restart goes. */
  #rung = 0
  #crash: Crash | undefined
  /** A child's last word that the agent crashed on: with the child gone nobody would say it again. */
  #lastWord: AgentEvent | undefined
  #spawned = false
  #attempt = 0
  #stopping: Promise<void> | undefined
  /** Once it has ended: what has still to be stored, done and given back. */
  ending: Ending | undefined
  /** Its right to be the only activation, where there is an authority. */
  #tenure: Tenure | undefined

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

  /** Starts it, from the store if it is kept there. Throws START_FAILED, or why the store refuses. */
  async start(): Promise<void> {
    let found: Found | undefined
    try {
      if (this.options.durability !== 'none') {
        const { takeTenure } = this.services
        if (takeTenure !== undefined) this.#tenure = await takeTenure(this.info.id, (error) => this.lost(error))
        found = await arrive(this, this.options, this.services, this.#tenure)
      }
      const origin = found?.resting === undefined ? this.origin(found?.record, undefined) : undefined
      if (origin !== undefined) firstStep(this.info.id, () => this.cell.prepare(origin))
      if (found !== undefined && origin !== undefined) await this.#storeFirst(found, origin)
      if (this.ended) throw stoppedEarly(this.info.id)
      this.#tenure?.check()
      firstStep(this.info.id, () => this.#begin(origin))
      // It stays as bytes until somebody wants something of it.
      if (found?.resting !== undefined) this.sleep(found.kept.value, found.resting, undefined)
    } catch (error) {
      if (!this.ended)
        this.#end('failed', found !== undefined && found.record === undefined && found.resting === undefined ? 'none' : 'last')
      else if (this.#tenure !== undefined) this.ending?.give(this.#tenure)
      const over = this.ending?.handOver()
      // The next spawn waits until what never ran is forgotten. So does this one, unless it is the store that failed.
      if (this.#tenure !== undefined || isCoreError(error, 'START_FAILED')) await over?.catch(() => undefined)
      // Closing a system takes the store from those that it stops.
      throw isCoreError(error, 'CLOSED') && this.#status === 'stopped' ? stoppedEarly(this.info.id) : error
    }
  }

  async #storeFirst(found: Found, origin: Origin): Promise<void> {
    const { keeping } = this
    const fence = fenceOf(this.services, this.#tenure, found.kept)
    keeping?.adopt(fence, found.kept?.rev ?? 0, found.record)
    if (this.options.durability === 'gated') {
      // Nothing leaves it before the commit of what it begins with.
      firstStep(this.info.id, () => this.cell.start(origin))
    }
    keeping?.resume(found)
    await keeping?.commit()
  }

  /** `origin`: undefined if it sleeps. */
  #begin(origin: Origin | undefined): void {
    if (this.#crash !== undefined) throw this.#crash.error
    this.#spawned = true
    tellSpawn(this.services.guests, this.info, this.options.machine)
    if (origin === undefined) return
    if (this.options.durability !== 'gated') this.cell.start(origin)
    tellBegun(this.services.guests, this.info, origin, this.cell.snapshot.tags)
    this.cell.open(origin)
    if (this.cell.snapshot.status === 'done') this.done()
  }

  protected origin(record: AgentRecord | undefined, crash: Crash | undefined, remembered: AgentRecord | undefined = record): Origin {
    // An agent that had reached its end begins anew. What it has handled it does not handle again, whatever it begins with.
    const stored = record?.snapshot.status === 'active' ? record : undefined
    const from = stored === undefined ? 'initial' : 'checkpoint'
    if (from === 'initial' && crash === undefined) return { remembered }
    const restored: RestoredEvent = { type: 'agent.restored', restarts: this.#restarts, from }
    const lastWord = from === 'checkpoint' ? this.#lastWord : undefined
    return { stored, remembered, trace: crash?.trace, first: lastWord === undefined ? [restored] : [restored, lastWord] }
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
    if (this.#status !== 'running' || !this.#spawned) return
    const { cell } = this
    this.#keep(undefined)
    cell.suspend()
    this.#status = 'restarting'
    this.#crash = SUSPENDED
    this.keeping?.flush()
  }

  /** Resumes it from its last stored state, or from the beginning. What fails meanwhile is told to its supervisor. */
  async restart(): Promise<void> {
    if (this.#status !== 'restarting') return // It is only being started: it goes on, with what it holds.
    const crash = this.#crash as Crash
    const attempt = ++this.#attempt
    let read = false
    try {
      // What is in the store is the truth: what could not be written there is not what the agent resumes from.
      const reloaded = await this.keeping?.reload(this.#rung)
      read = true
      if (this.#status !== 'restarting' || attempt !== this.#attempt) return
      this.#restarts += 1
      const origin = this.origin(reloaded?.record, crash, reloaded?.newest)
      this.cell.prepare(origin)
      this.#status = 'running'
      this.services.guests.tell('onRestart', this.info, this.#restarts, origin.stored === undefined ? 'initial' : 'checkpoint')
      this.cell.start(origin)
      tellBegun(this.services.guests, this.info, origin, this.cell.snapshot.tags)
      this.cell.open(origin)
    } catch (error) {
      if (this.ended || attempt !== this.#attempt) return
      // A store that is out of reach, or newer than this program, is no reason to begin anew.
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
    // Once it has crashed, what was kept then is all there is.
    if (this.awake) this.#keep(undefined)
    this.close()
    this.ending = this.ends(state, this.#tenure)
    if (this.#spawned) this.services.guests.tell('onStop', this.info, reason)
    this.services.ended(this)
    for (const fn of this.#onEnd ?? []) this.services.guests.call(fn, undefined)
    this.#onEnd = undefined
    this.failQuestions()
  }
}
