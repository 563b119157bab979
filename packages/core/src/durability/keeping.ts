import type { CheckpointOwner, Encoded } from './checkpoint-owner.ts'
import { Checkpoint } from './checkpoint.ts'
import { Deadline } from '../deadlines.ts'
import { encodeState } from './encode-state.ts'
import { isCoreError } from '../errors.ts'
import { Gate } from './gate.ts'
import { isOverrun } from './gate-options.ts'
import { reloaded, type Found, type KeepingOptions, type Kept, type Reloaded, type Resting } from './kept.ts'
import { LastWords } from './last-words.ts'
import { Outage } from './outage.ts'
import type { EffectData, Outbox } from './outbox.ts'
import { createOutbox } from './create-outbox.ts'
import type { AgentRecord } from './record.ts'
import type { Services } from '../services.ts'
import type { Fence } from './store.ts'
import type { Waiting } from './waiters.ts'

/** Keeps an agent in the store: its state (I1), what must leave it because of that state (I2), and what it has seen already (I3). */
export class Keeping extends Deadline implements CheckpointOwner {
  /** Undefined: nothing has waited for a commit yet. Of a gated agent there is always one. */
  gate: Gate | undefined
  readonly #options: KeepingOptions
  readonly #services: Services
  readonly #agent: Kept
  /** Undefined: nothing it says is kept. */
  #outbox: Outbox | undefined
  #checkpoint: Checkpoint | undefined
  /** Transitions since the last state was encoded. */
  #uncommitted = 0
  #outage: Outage | undefined
  #lastWords: LastWords | undefined

  constructor(options: KeepingOptions, services: Services, agent: Kept) {
    super()
    this.#options = options
    this.#services = services
    this.#agent = agent
    if (!this.#gated) return
    this.gate = new Gate(services.grid.trace, this)
    this.#outbox = createOutbox(options, services, () => this.touched())
  }

  /** `fn` is done once the state as it is now is committed; `dropped`, if it never is. */
  afterCommit(fn: () => void, dropped?: () => void): void {
    this.gate ??= new Gate(this.#services.grid.trace, this)
    this.gate.hold(fn, dropped)
  }

  get #gated(): boolean {
    return this.#options.durability === 'gated'
  }

  /** Takes the right to write by this fence (I1), by which an older activation can write no more; or goes on under one that it holds. */
  adopt(fence: Fence, rev: number, record: AgentRecord | undefined): void {
    const { outbox: undone = [], seq = 0 } = record ?? {}
    // It may have been gated before: what is undone is done all the same.
    if (undone.length > 0) this.#outbox ??= createOutbox(this.#options, this.#services, () => this.touched())
    this.#outbox?.restore(undone, seq, fence.token)
    this.#checkpoint = new Checkpoint(this.#options.agent.id, fence, rev, this.#services, this)
  }

  /** It has lost the right to write: nothing is written or let go any more. What is committed and undone is for the next activation. */
  forsake(error: unknown): void {
    this.#checkpoint?.forsake(error)
    this.gate?.shut()
    this.#outbox?.close()
    this.#lastWords?.cut()
  }

  /** Of the checkpoint. */
  committed(rev: number, { bytes, upTo }: Encoded): void {
    this.#services.guests.tell('onCheckpoint', this.#options.agent, rev, bytes.byteLength)
    this.#outage?.ends()
    this.#opened(upTo)
  }

  uncommitted(error: unknown): void {
    this.#services.guests.tell('onCheckpointError', this.#options.agent, error)
    this.#unstored(error)
  }

  lost(error: unknown): void {
    this.#agent.lost(error)
  }

  /** What an earlier activation left undone goes on once this one has committed. */
  resume({ record }: Found): void {
    for (const entry of record?.outbox ?? []) this.afterCommit(() => this.#outbox?.release(entry))
  }

  /** Commits the state as it is now. */
  async commit(): Promise<void> {
    this.#checkpoint?.touch()
    await this.settled()
  }

  /** Resolves once the state as it is now is committed. Rejects with the error that prevents it. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => this.settle({ resolve, reject }))
  }

  /** As `settled`, for one that waits for many. */
  settle(waiting: Waiting): void {
    this.#services.deadlines.clear(this)
    if (this.#checkpoint === undefined) waiting.resolve()
    else this.#checkpoint.settle(waiting)
  }

  encode(failedChild?: string): Encoded {
    this.#uncommitted = 0
    const bytes = encodeState(this.#options, this.#services.codec, this.#agent.cell, this.#outbox, failedChild)
    return { bytes, upTo: this.gate?.next ?? 0 }
  }

  /** All that belongs to a committed state may leave. */
  #opened(upTo: number): void {
    try {
      this.gate?.open(upTo)
    } catch (error) {
      this.#agent.cell.effectFailed(error)
    }
    // It may have waited for room.
    if (this.#agent.cell.hasMail) this.#agent.cell.wake()
  }

  /** The store did not take the state. */
  #unstored(error: unknown): void {
    if (!this.#gated) return
    if (isCoreError(error, 'BAD_STATE')) {
      // It can never be committed, and nothing that follows from it can leave. Not in the middle of a step.
      return queueMicrotask(() => this.#agent.cell.effectFailed(error))
    }
    this.#outage ??= new Outage()
    if (this.#outage.goesOn(this.#services.clock.now(), this.#options.gate)) this.#opened(this.gate?.next ?? 0)
  }

  /** So much waits that no event from outside may be taken. */
  get full(): boolean {
    if (!this.#gated || this.#outbox === undefined) return false
    const { maxTransitions, maxOutbox } = this.#options.gate
    return this.#uncommitted >= maxTransitions || this.#outbox.size >= maxOutbox
  }

  /** What its children say cannot be taken either: a store that hangs must not fill the memory (I6). */
  get overrun(): boolean {
    return this.#gated && isOverrun(this.#options, this.#uncommitted, this.gate?.size ?? 0)
  }

  /** Of the checkpoint: more than one where nothing would be taken from the mailbox before the next one has begun. */
  get maxCommits(): number {
    const { maxTransitions, maxCommits } = this.#options.gate
    return this.#gated && this.#uncommitted >= maxTransitions ? maxCommits : 1
  }

  /** There is something to commit. */
  get unstored(): boolean {
    return this.#checkpoint?.unstored ?? false
  }

  /** What is stored is all there is: nothing is held, under way or undone. */
  get atRest(): Resting | undefined {
    const checkpoint = this.#checkpoint
    if (checkpoint?.atRest !== true || (this.gate?.size ?? 0) > 0 || (this.#outbox?.size ?? 0) > 0) return undefined
    return { fence: checkpoint.fence, rev: checkpoint.rev }
  }

  /** An effect that is data: part of the state, and done once that is committed. */
  dispatch(effect: EffectData): void {
    const { doer, grid } = this.#services
    const outbox = this.#outbox
    if (!this.#gated || outbox === undefined) return doer.once(effect, grid.trace.current, this.#options.agent.id)
    const entry = outbox.add(effect, grid.trace.current)
    this.gate?.hold(
      () => outbox.release(entry),
      () => outbox.remove(entry),
    )
  }

  /** There is a new state. */
  changed(): void {
    this.#uncommitted += 1
    this.touched()
  }

  /** There is something to commit: of the gate and the outbox too. */
  touched(): void {
    this.#lastWords?.changed()
    if (this.#checkpoint === undefined || !this.#agent.cell.running) return // Then what was kept before is all there is.
    this.#checkpoint.touch()
    this.#agent.cell.wake()
  }

  /** The agent's turn is over: what has changed is stored, if it is enough. */
  flush(): void {
    const { checkpoint } = this.#options
    if (this.#gated || this.#uncommitted === 0 || this.#uncommitted >= checkpoint.transitions) this.late()
    else if (this.row === undefined) this.#services.deadlines.set(this, checkpoint.ms)
  }

  /** It is time to store what has changed. */
  override late(): void {
    this.#services.deadlines.clear(this)
    this.#checkpoint?.flush()
  }

  /** Takes the state before the children are stopped and the timers are gone: they may have gone on without the agent. */
  hold(failedChild: string | undefined): void {
    this.#checkpoint?.touch()
    this.#checkpoint?.hold(failedChild)
  }

  /** What is stored, down the ladder: what could not be written there is not what the agent resumes from. */
  async reload(rung: number): Promise<Reloaded> {
    const bytes = await this.#checkpoint?.reload()
    this.gate?.cut(0) // What is still held belongs to a state that was never stored.
    return reloaded(this.#options, this.#services, bytes, rung)
  }

  /** Tries to store the last state, with what belongs to it. */
  end(): Promise<void> {
    this.#services.deadlines.clear(this)
    return this.#checkpoint?.end() ?? Promise.resolve()
  }

  /** What it has still to do after the end. */
  get lastWords(): LastWords {
    const { id } = this.#options.agent
    const shut = (): void => void this.gate?.shut()
    this.#lastWords ??= new LastWords({ id, outbox: this.#outbox, checkpoint: () => this.#checkpoint, shut }, this.#services)
    return this.#lastWords
  }

  /** Stores that there is no state: this one never ran. */
  async forget(): Promise<void> {
    this.#outbox?.close()
    this.#services.deadlines.clear(this)
    await this.#checkpoint?.forget()
    this.gate?.shut()
  }
}
