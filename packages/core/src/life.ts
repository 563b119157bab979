import type { AnyEventObject } from 'xstate'
import { Cell, type CellOptions } from './cell.ts'
import { quote } from './check.ts'
import { createCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { AgentEvent } from './envelope.ts'
import { CoreError } from './errors.ts'
import type { AgentInfo } from './hooks.ts'
import type { CellOwner, Crash, Origin } from './owner.ts'
import type { AgentRecord } from './record.ts'
import { childOf, SUSPENDED, type RestoredEvent } from './restored.ts'
import type { Services } from './services.ts'
import type { StoreRecord } from './store.ts'
import { createSupervisor, type ResolvedSupervisionOptions, type Supervisor } from './supervisor.ts'
import { capturing, firstStep } from './wrap.ts'

export type AgentStatus = 'running' | 'restarting' | 'stopped' | 'done' | 'failed'
export type Durability = 'none' | 'checkpoint'

export interface LifeOptions extends CellOptions {
  readonly durability: Durability
  readonly supervision: ResolvedSupervisionOptions
  /** Decides over its restarts. Undefined: one of its own, by `supervision`. */
  readonly supervisor?: Supervisor | undefined
}

/** An agent from its spawn to its end: starts it, keeps its state, restarts it, stops it. */
export class Life implements CellOwner {
  readonly info: AgentInfo
  readonly cell: Cell
  readonly #options: LifeOptions
  readonly #services: Services
  readonly #supervisor: Supervisor
  readonly #onEnd = new Set<() => void>()
  #checkpoint: Checkpoint | undefined
  #status: AgentStatus = 'running'
  #restarts = 0
  #crash: Crash | undefined
  /** A child's last word that the agent crashed on: with the child gone nobody would say it again. */
  #lastWord: AgentEvent | undefined
  #spawned = false
  #attempt = 0
  #stopping: Promise<void> | undefined
  #settled: Promise<void> | undefined

  constructor(options: LifeOptions, services: Services) {
    this.#options = options
    this.#services = services
    this.info = options.agent
    this.cell = new Cell(options, services, this)
    // The agent's own events change its state as well: what was set aside may be due.
    if (options.stash !== undefined) this.cell.subscribe(() => this.cell.wake())
    const { clock, random } = services
    this.#supervisor = options.supervisor ?? createSupervisor(options.supervision, clock, random, () => void this.restart())
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
    else this.#onEnd.add(fn)
    return () => this.#onEnd.delete(fn)
  }

  /** Starts it, from the store if it is kept there. Throws START_FAILED, or why the store refuses. */
  async start(): Promise<void> {
    const durable = this.#options.durability === 'checkpoint'
    let kept: StoreRecord | undefined
    try {
      if (durable) kept = await this.#services.store.get(this.info.id)
      const origin = this.#origin(this.#decode(kept?.value), undefined)
      firstStep(this.info.id, () => this.cell.prepare(origin))
      if (durable) await this.#claim(kept)
      if (this.ended) throw new CoreError('AGENT_STOPPED', `agent ${quote(this.info.id)} was stopped before it had started`)
      this.#spawned = true
      this.#services.guests.tell('onSpawn', this.info)
      firstStep(this.info.id, () => this.cell.begin(origin))
    } catch (error) {
      if (!this.ended) this.#end('failed')
      // What never ran must not be resumed by the next spawn.
      if (durable && kept === undefined) await this.#checkpoint?.forget()
      throw error
    }
  }

  /** Writes the first state under a fence of our own: an older activation can write no more (I1). */
  async #claim(kept: StoreRecord | undefined): Promise<void> {
    const { grid, store, clock, guests } = this.#services
    this.#checkpoint = createCheckpoint({
      id: this.info.id,
      store,
      clock,
      fence: { owner: grid.id, token: (kept?.fence.token ?? 0) + 1 },
      rev: kept?.rev ?? 0,
      encode: () => this.#encode(undefined),
      onCommit: (rev, bytes) => guests.tell('onCheckpoint', this.info, rev, bytes),
      onError: (error) => guests.tell('onCheckpointError', this.info, error),
      onLost: (error) => this.#lost(error),
    })
    this.#checkpoint.touch()
    await this.#checkpoint.settled()
  }

  #encode(failedChild: string | undefined): Uint8Array {
    const { id } = this.info
    const record = capturing(id, () => this.cell.capture(failedChild))
    return this.#services.codec.encode(id, record)
  }

  #decode(bytes: Uint8Array | undefined): AgentRecord | undefined {
    const { id, type } = this.info
    const expected = { id, machineType: type, machineVersion: this.#options.machine.version }
    return bytes && this.#services.codec.decode(bytes, expected)
  }

  #origin(record: AgentRecord | undefined, crash: Crash | undefined): Origin {
    // An agent that had reached its end begins anew.
    const stored = record?.snapshot.status === 'active' ? record : undefined
    const from = stored === undefined ? 'initial' : 'checkpoint'
    if (from === 'initial' && crash === undefined) return {}
    const restored: RestoredEvent = { type: 'agent.restored', restarts: this.#restarts, from }
    const lastWord = from === 'checkpoint' ? this.#lastWord : undefined
    return { stored, trace: crash?.trace, first: lastWord === undefined ? [restored] : [restored, lastWord] }
  }

  changed(): void {
    if (this.#checkpoint === undefined) return
    this.#checkpoint.touch()
    this.cell.wake()
  }

  rested(): void {
    this.#checkpoint?.flush()
  }

  breaking(event: AnyEventObject): void {
    if (this.ended) return
    this.#keep(childOf(event, 'error'))
  }

  /** Takes the state before the children are stopped and the timers are gone: they may have gone on without the agent. */
  #keep(failedChild: string | undefined): void {
    if (!this.#spawned) return
    this.#checkpoint?.touch()
    this.#checkpoint?.hold(() => this.#encode(failedChild))
  }

  broken(crash: Crash): void {
    if (this.ended) return
    if (childOf(crash.event, 'done') !== undefined) this.#lastWord = crash.event
    else if (crash.event.type !== 'agent.restored') this.#lastWord = undefined
    this.#crash = crash
    this.#checkpoint?.flush()
    this.#decide(crash)
  }

  #decide(crash: Crash): void {
    this.#status = 'restarting'
    const decided = this.#supervisor.failed()
    const decision = decided.type === 'restart' ? { ...decided, restarts: this.#restarts + 1 } : decided
    const { error, event, trace } = crash
    this.#services.guests.tell('onFailure', { agent: this.info, error, event: event.type, trace, decision })
    if (decision.type === 'stop') this.#end('failed')
  }

  /** Brings it down as it is: its supervisor restarts it with its siblings. */
  suspend(): void {
    this.#attempt += 1
    if (this.#status !== 'running' || !this.#spawned) return
    this.#keep(undefined)
    this.cell.suspend()
    this.#status = 'restarting'
    this.#crash = SUSPENDED
    this.#checkpoint?.flush()
  }

  /** Resumes it from its last stored state, or from the beginning. What fails meanwhile is told to its supervisor. */
  async restart(): Promise<void> {
    const crash = this.#crash as Crash
    const attempt = ++this.#attempt
    try {
      // What is in the store is the truth: what could not be written there is not what the agent resumes from.
      const bytes = await this.#checkpoint?.reload()
      if (this.#status !== 'restarting' || attempt !== this.#attempt) return
      this.#restarts += 1
      const origin = this.#origin(this.#decode(bytes), crash)
      this.cell.prepare(origin)
      this.#status = 'running'
      this.#services.guests.tell('onRestart', this.info, this.#restarts, origin.stored === undefined ? 'initial' : 'checkpoint')
      this.cell.begin(origin)
    } catch (error) {
      if (!this.ended && attempt === this.#attempt) this.#decide({ ...crash, error })
    }
  }

  /** Another activation took over: this one is over and is not restarted here (I1). */
  #lost(error: unknown): void {
    if (this.ended || !this.#spawned) return
    const crash = { agent: this.info, error, event: 'checkpoint', trace: undefined }
    this.#services.guests.tell('onFailure', { ...crash, decision: { type: 'stop' } })
    this.#end('failed')
  }

  done(): void {
    if (!this.ended) this.#end('done')
  }

  /** Stops it and waits until its last state is stored. Rejects if it cannot be. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.cell.inbox.close()
    // Never in the middle of a step: an agent may stop itself.
    await Promise.resolve()
    if (!this.ended) this.#end('stopped')
    await this.#settled
  }

  /** Resolves once nothing of it is left to be stored. */
  get settled(): Promise<void> | undefined {
    return this.#settled
  }

  #end(reason: 'stopped' | 'done' | 'failed'): void {
    this.#status = reason
    this.#supervisor.close()
    // Once it has crashed, what was kept then is all there is.
    if (this.cell.running) this.#keep(undefined)
    this.cell.close()
    this.#settled = this.#checkpoint?.end()
    // Whoever stops it hears of the error; the hooks have heard of it already.
    this.#settled?.catch(() => undefined)
    if (this.#spawned) this.#services.guests.tell('onStop', this.info, reason)
    for (const fn of this.#onEnd) this.#services.guests.call(fn, undefined)
    this.#onEnd.clear()
  }
}
