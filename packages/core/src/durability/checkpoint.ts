import type { Clock } from '@stigmergy/grid'
import type { CheckpointOwner, Encoded } from './checkpoint-owner.ts'
import { isCoreError } from '../errors.ts'
import { FORGOTTEN, isForgotten } from './forgotten.ts'
import { Retry } from './retry.ts'
import type { StoreAccess } from './store-access.ts'
import { isConflict, isFinal, type Fence } from './store.ts'
import { Commit, UnderWay, type Committing } from './under-way.ts'
import { Waiters, type Waiting } from './waiters.ts'

/** Keeps an agent's last good state in the store, written behind: a crash of the process loses at most what is not yet written. */
export class Checkpoint implements Committing {
  readonly id: string
  readonly fence: Fence
  readonly #access: StoreAccess
  readonly #clock: Clock
  readonly #owner: CheckpointOwner
  #rev: number
  #dirty = false
  #held: Encoded | undefined
  /** Mostly at most one: what changes meanwhile goes with the next one, as one. */
  readonly #underWay = new UnderWay()
  /** Commits begun so far. */
  #commits = 0
  #failure: { readonly error: unknown; readonly final: boolean } | undefined
  #retry: Retry | undefined
  /** After an error nobody knows whether the state before is stored, or still will be. */
  #unsure = false
  /** A commit was refused before the one it was made upon was stored: the store was asked for that one again, alone. */
  #overtaken = false
  /** Somebody wrote before us. It may have been our own write, of which nobody had heard. */
  #conflict: unknown
  #closed = false
  readonly #waiters = new Waiters()

  constructor(
    id: string,
    fence: Fence,
    rev: number,
    services: { readonly access: StoreAccess; readonly clock: Clock },
    owner: CheckpointOwner,
  ) {
    this.id = id
    this.fence = fence
    this.#rev = rev
    this.#access = services.access
    this.#clock = services.clock
    this.#owner = owner
  }

  /** The revision in the store, 0 for none, once all that is under way is there. */
  get rev(): number {
    return this.#rev + this.#underWay.size
  }

  /** True if the store has the newest state, and nothing is wrong. */
  get atRest(): boolean {
    return !this.unstored && this.#retry?.waits !== true && this.#failure === undefined && !this.#unsure
  }

  /** There is a newer state, or one on its way. */
  get unstored(): boolean {
    return this.#dirty || this.#underWay.size > 0
  }

  /** There is a newer state. Cheap: nothing is encoded before `flush`. */
  touch(): void {
    this.#dirty = true
    this.#held = undefined
  }

  /** Encodes the state now, because it will not be there later. */
  hold(failedChild: string | undefined): void {
    if (!this.#dirty) return
    this.#held = this.#encoded(failedChild)
    this.#dirty = this.#held !== undefined
  }

  // A state that cannot be stored is told, not thrown: the agent goes on, and its last stored state stays.
  #encoded(failedChild: string | undefined): Encoded | undefined {
    if (this.#held !== undefined) return this.#held
    try {
      return this.#owner.encode(failedChild)
    } catch (error) {
      this.#failure = { error, final: false }
      this.#owner.uncommitted(error)
      return undefined
    }
  }

  /** Starts a commit of the newest state, unless it has to wait for one that is under way: then it begins when that one ends. */
  flush(): void {
    if (!this.#dirty || this.#retry?.waits === true || this.#failure?.final === true) return
    if (this.#underWay.size > 0 && !this.#mayFollow) return
    const state = this.#encoded(undefined)
    this.#held = undefined
    this.#dirty = false
    if (state !== undefined) this.#commit(state)
  }

  /** A further one may be begun: the store takes them in order, and so far all goes well. */
  get #mayFollow(): boolean {
    return !this.#unsure && !this.#underWay.troubled && this.#access.ordered && this.#underWay.size < this.#owner.maxCommits
  }

  /** Nothing is written any more, for this reason. What is on its way may still arrive. */
  forsake(error: unknown): void {
    this.#retry?.stop()
    this.#failure = { error, final: true }
  }

  /** Commits these bytes, which are the state as it is. */
  adopt(bytes: Uint8Array): Promise<void> {
    this.touch()
    this.#held = { bytes, upTo: 0 }
    return this.settled()
  }

  #commit(state: Encoded): void {
    this.#commits += 1
    const commit = new Commit(this, this.rev, state, this.#commits)
    this.#underWay.add(commit)
    if (!this.#unsure) this.#access.write(commit)
    else
      this.#access.get(this.id).then(
        (kept) => {
          // After an error the state before may be stored or not: the store is asked, since only we write under this fence.
          const ours = kept?.fence.token === this.fence.token && kept.fence.owner === this.fence.owner
          const conflict = this.#conflict
          this.#conflict = undefined
          if (conflict !== undefined && (!ours || kept.rev === this.#rev)) return this.#foreign(commit, conflict)
          if (ours) this.#rev = kept.rev
          commit.expectedRev = this.#rev
          this.#access.write(commit)
        },
        (error: unknown) => commit.refused(error),
      )
  }

  /** It was not a late write of our own. */
  #foreign(commit: Commit, conflict: unknown): void {
    this.#unsure = false
    commit.refused(conflict)
  }

  stored(commit: Commit, rev: number): void {
    if (!this.#underWay.stored(commit)) return
    const { state, number } = commit
    this.#rev = rev
    this.#unsure = false
    this.#overtaken = this.#underWay.size > 0 && this.#underWay.troubled
    if (this.#failure?.final !== true) this.#failure = undefined
    this.#retry?.stop()
    this.#retry = undefined
    if (!isForgotten(state.bytes)) this.#owner.committed(rev, state)
    this.flush()
    if (!this.#waiters.none) {
      this.#waiters.tell(number, undefined, this.id)
      this.#refuse()
    }
    this.refused()
  }

  refused(): void {
    const refused = this.#underWay.refused()
    if (refused !== undefined) this.#failed(refused.error, refused.newest)
  }

  #failed(error: unknown, state: Encoded): void {
    // One that was given up may arrive after we have asked what is stored. Whose it was, the store is asked before the next write.
    const mayBeOurs = (this.#unsure || this.#overtaken) && isConflict(error) && this.#failure?.final !== true
    if (mayBeOurs) {
      if (!this.#overtaken) this.#conflict = error
      this.#overtaken = false
      this.#unsure = true
      this.#keep(state)
      this.flush()
      return
    }
    const final = isFinal(error) || this.#failure?.final === true
    this.#unsure = !final
    this.#failure = { error, final }
    if (final) {
      this.#owner.lost(error)
      this.#refuse()
      return
    }
    this.#keep(state)
    this.#owner.uncommitted(error)
    this.#refuse()
    if (this.#closed || this.#underWay.size > 0) return
    this.#retry ??= new Retry(this.#clock, () => this.flush())
    this.#retry.begin()
  }

  /** The bytes are tried again unless there are newer ones. */
  #keep(state: Encoded): void {
    if (!this.#dirty) this.#held ??= state
    this.#dirty = true
  }

  /** Whoever waits hears what prevents it, unless it is being tried. */
  #refuse(): void {
    if (this.#underWay.size === 0 && this.#failure !== undefined) this.#waiters.tell(Infinity, this.#failure, this.id)
  }

  /** Resolves once the state as it is now is committed. Rejects with the error that prevents it. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => this.settle({ resolve, reject }))
  }

  /** As `settled`, for one that waits for many. */
  settle(waiting: Waiting): void {
    // Whoever waits wants the truth now, not at the next retry.
    this.#retry?.stop()
    this.flush()
    if (this.#underWay.size > 0) this.#waiters.add(this.#commits + (this.#dirty ? 1 : 0), waiting)
    else if (this.#failure === undefined) waiting.resolve()
    else waiting.reject(this.#failure.error, this.id)
  }

  /** The stored bytes, once all is committed. Undefined: there are none. */
  async reload(): Promise<Uint8Array | undefined> {
    await this.settled().catch((error: unknown) => {
      if (!isCoreError(error, 'BAD_STATE')) throw error
      // The state before it is the last one there is, and from now on the present one.
      this.#failure = undefined
    })
    return (await this.#access.get(this.id))?.value
  }

  /** As `settled`, for the last time. */
  async end(): Promise<void> {
    this.#closed = true
    await this.settled()
  }

  /** Stores that there is no state. The fence stays. */
  async forget(): Promise<void> {
    this.#closed = true
    this.#dirty = false
    this.#held = undefined
    // What is under way would come after it.
    await this.settled().catch(() => undefined)
    this.#dirty = false
    this.#held = undefined
    if (this.#failure?.final === true) return
    await this.adopt(FORGOTTEN).catch(() => undefined)
  }
}
