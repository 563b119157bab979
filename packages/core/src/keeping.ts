import type { TimerHandle } from '@stigmergy/grid'
import { quote } from './check.ts'
import { ask, createCheckpoint, isForgotten, type Checkpoint, type Encoded } from './checkpoint.ts'
import { isCoreError } from './errors.ts'
import { Gate } from './gate.ts'
import type { LifeOptions } from './life-options.ts'
import { Outbox, type EffectData } from './outbox.ts'
import type { AgentRecord } from './record.ts'
import type { Services } from './services.ts'
import type { FullStore, Store, StoreRecord } from './store.ts'
import { capturing } from './wrap.ts'

/** The agent whose state is kept. */
export interface Kept {
  readonly cell: {
    readonly running: boolean
    /** The state as it is now. */
    capture(failedChild: string | undefined): AgentRecord
    /** There is something to store, or room again. */
    wake(): void
    /** What was let go threw, or can never be let go. */
    effectFailed(error: unknown): void
  }
  /** Another activation took over (I1). */
  lost(error: unknown): void
}

export type KeepingOptions = Pick<LifeOptions, 'agent' | 'machine' | 'migrations' | 'durability' | 'gate' | 'checkpoint'>

/** What was stored before. */
export interface Found {
  readonly kept: StoreRecord | undefined
  readonly record: AgentRecord | undefined
}

/** Keeps an agent in the store: its state (I1), what must leave it because of that state (I2), and what it has seen already (I3). */
export class Keeping {
  readonly gate: Gate
  readonly #options: KeepingOptions
  readonly #services: Services
  readonly #agent: Kept
  readonly #outbox: Outbox | undefined
  #checkpoint: Checkpoint | undefined
  /** Transitions since the last state was encoded. */
  #uncommitted = 0
  #unstoredSinceMs: number | undefined
  #late: TimerHandle | undefined

  constructor(options: KeepingOptions, services: Services, agent: Kept) {
    this.#options = options
    this.#services = services
    this.#agent = agent
    const { clock, doer, grid } = services
    this.gate = new Gate(grid.trace, this.touched)
    if (!this.#gated) return
    const { giveUpMs, maxOutbox: crowd } = options.gate
    this.#outbox = new Outbox({ agent: options.agent.id, clock, doer, giveUpMs, crowd, changed: this.touched })
  }

  get #gated(): boolean {
    return this.#options.durability === 'gated'
  }

  /** Reads what is stored. */
  async find(): Promise<Found> {
    const kept = await this.#ask((store) => store.get(this.#options.agent.id))
    return { kept, record: this.#decode(kept?.value) }
  }

  #ask<T>(call: (store: Store) => Promise<T>): Promise<T> {
    const { clock, store, storeTimeoutMs: timeoutMs, openAsks: open } = this.#services
    return ask({ clock, timeoutMs, open }, `agent ${quote(this.#options.agent.id)}`, () => call(store))
  }

  #decode(bytes: Uint8Array | undefined): AgentRecord | undefined {
    if (bytes === undefined || isForgotten(bytes)) return undefined
    const { agent, machine, migrations } = this.#options
    return this.#services.codec.decode(bytes, { id: agent.id, machineType: agent.type, machineVersion: machine.version, migrations })
  }

  /** Takes the right to write (I1): a fence of our own, by which an older activation can write no more. */
  claim({ kept, record }: Found): void {
    const { grid, store, clock, guests, storeTimeoutMs: timeoutMs, openAsks: open } = this.#services
    const { agent } = this.#options
    const fence = { owner: grid.id, token: (kept?.fence.token ?? 0) + 1 }
    this.#outbox?.restore(record?.outbox ?? [], record?.seq ?? 0, fence.token)
    this.#checkpoint = createCheckpoint({
      id: agent.id,
      store,
      clock,
      fence,
      rev: kept?.rev ?? 0,
      timeoutMs,
      open,
      encode: () => this.#encode(undefined),
      onCommit: (rev, { bytes, upTo }) => {
        guests.tell('onCheckpoint', agent, rev, bytes.byteLength)
        this.#opened(upTo)
      },
      onError: (error) => {
        guests.tell('onCheckpointError', agent, error)
        this.#unstored(error)
      },
      onLost: (error) => this.#agent.lost(error),
    })
  }

  /** What an earlier activation left undone goes on once this one has committed. */
  resume({ record }: Found): void {
    for (const entry of record?.outbox ?? []) this.gate.hold(() => this.#outbox?.release(entry))
  }

  /** Commits the state as it is now. */
  async commit(): Promise<void> {
    this.#checkpoint?.touch()
    await this.#checkpoint?.settled()
  }

  #encode(failedChild: string | undefined): Encoded {
    this.#uncommitted = 0
    const { agent } = this.#options
    const state = capturing(agent.id, () => this.#agent.cell.capture(failedChild))
    const { seq = 0 } = this.#outbox ?? {}
    const bytes = this.#services.codec.encode(agent.id, seq === 0 ? state : { ...state, seq, outbox: this.#outbox?.take() ?? [] })
    return { bytes, upTo: this.gate.next }
  }

  /** All that belongs to a committed state may leave. */
  #opened(upTo: number): void {
    this.#unstoredSinceMs = undefined
    try {
      this.gate.open(upTo)
    } catch (error) {
      this.#agent.cell.effectFailed(error)
    }
    this.#agent.cell.wake()
  }

  /** The store did not take the state. */
  #unstored(error: unknown): void {
    if (!this.#gated) return
    if (isCoreError(error, 'BAD_STATE')) {
      // It can never be committed, and nothing that follows from it can leave. Not in the middle of a step.
      queueMicrotask(() => this.#agent.cell.effectFailed(error))
      return
    }
    const { whenStoreGone, goneAfterMs } = this.#options.gate
    const nowMs = this.#services.clock.now()
    const sinceMs = this.#unstoredSinceMs ?? nowMs
    if (whenStoreGone === 'degrade' && nowMs - sinceMs >= goneAfterMs) this.#opened(this.gate.next)
    this.#unstoredSinceMs = sinceMs
  }

  /** So much waits that no event from outside may be taken. */
  get full(): boolean {
    if (this.#outbox === undefined) return false
    const { maxTransitions, maxOutbox } = this.#options.gate
    return this.#uncommitted >= maxTransitions || this.#outbox.size >= maxOutbox
  }

  /** An effect that is data: part of the state, and done once that is committed. */
  dispatch(effect: EffectData): void {
    const { doer, grid } = this.#services
    const outbox = this.#outbox
    if (outbox === undefined) {
      doer.once(effect, grid.trace.current)
      return
    }
    const entry = outbox.add(effect, grid.trace.current)
    this.gate.hold(
      () => outbox.release(entry),
      () => outbox.remove(entry),
    )
  }

  /** There is a new state. */
  changed(): void {
    this.#uncommitted += 1
    this.touched()
  }

  /** There is something to commit. */
  readonly touched = (): void => {
    // Once it has crashed or ended, what was kept then is all there is.
    if (this.#checkpoint === undefined || !this.#agent.cell.running) return
    this.#checkpoint.touch()
    this.#agent.cell.wake()
  }

  /** The agent's turn is over: what has changed is stored, if it is enough. */
  flush(): void {
    const { checkpoint } = this.#options
    if (this.#gated || this.#uncommitted === 0 || this.#uncommitted >= checkpoint.transitions) this.#store()
    else this.#late ??= this.#services.clock.setTimeout(this.#store, checkpoint.ms)
  }

  readonly #store = (): void => {
    if (this.#late !== undefined) this.#services.clock.clearTimeout(this.#late)
    this.#late = undefined
    this.#checkpoint?.flush()
  }

  /** Takes the state before the children are stopped and the timers are gone: they may have gone on without the agent. */
  hold(failedChild: string | undefined): void {
    this.#checkpoint?.touch()
    this.#checkpoint?.hold(() => this.#encode(failedChild))
  }

  /**
   * The stored state: what could not be written there is not what the agent resumes from.
   * `back`: of so many states before, if the store keeps them.
   */
  async reload(back: number): Promise<AgentRecord | undefined> {
    const newest = await this.#checkpoint?.reload()
    // What is still held belongs to a state that was never stored.
    this.gate.cut(0)
    if (back === 0) return this.#decode(newest)
    const revisions = await this.#ask(async (store) => (store as Partial<FullStore>).revisions?.(this.#options.agent.id) ?? [])
    // A state that was written twice is one state.
    const states = revisions.filter(({ value }, at) => at === 0 || !sameBytes(value, revisions[at - 1]?.value))
    return this.#decode(states[back]?.value)
  }

  /** Stores the last state, and lets go what belongs to it. */
  async end(): Promise<void> {
    if (this.#late !== undefined) this.#services.clock.clearTimeout(this.#late)
    this.#late = undefined
    try {
      await this.#checkpoint?.end()
    } finally {
      this.gate.shut()
      this.#outbox?.close()
    }
  }

  /** Stores that there is no state: this one never ran. */
  async forget(): Promise<void> {
    await this.#checkpoint?.forget()
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return a.length === b?.length && a.every((byte, at) => byte === b[at])
}
