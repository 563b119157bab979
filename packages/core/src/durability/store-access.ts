import { quote } from '../check.ts'
import { Deadline, type Deadlines } from '../deadlines.ts'
import { CoreError } from '../errors.ts'
import { isFinal, type Fence, type FullStore, type Store, type StoreRecord } from './store.ts'

/** A state on its way to the store. */
export interface Write {
  readonly id: string
  readonly expectedRev: number
  readonly fence: Fence
  readonly value: Uint8Array
  /** It is the revision `rev` from now on. */
  stored(rev: number): void
  refused(error: unknown): void
}

/** Writes of one moment that go to the store in one call. */
const BATCH = 200
/** A store that knows no batch says so; what else it refuses is the fault of one write, and the others go alone. */
const ALONE = new Set<unknown>(['STORE_UNSUPPORTED', 'STORE_BUSY', 'BAD_ID', 'BAD_OPTION'])

/** One question to the store. */
class Pending<T> extends Deadline {
  readonly #name: () => string
  readonly #timeoutMs: number
  readonly #open: Set<Pending<never>>
  readonly #deadlines: Deadlines
  readonly #done: (value: T) => void
  readonly #failed: (error: unknown) => void

  constructor(
    name: () => string,
    timeoutMs: number,
    open: Set<Pending<never>>,
    deadlines: Deadlines,
    done: (value: T) => void,
    failed: (error: unknown) => void,
  ) {
    super()
    this.#name = name
    this.#timeoutMs = timeoutMs
    this.#open = open
    this.#deadlines = deadlines
    this.#done = done
    this.#failed = failed
    open.add(this as Pending<never>)
    deadlines.set(this, timeoutMs)
  }

  #end(): boolean {
    this.#deadlines.clear(this)
    return this.#open.delete(this as Pending<never>)
  }

  readonly resolve = (value: T): void => {
    if (this.#end()) this.#done(value)
  }

  readonly reject = (error: unknown): void => {
    if (this.#end()) this.#failed(error)
  }

  override late(): void {
    this.reject(new CoreError('STORE_TIMEOUT', `the store did not answer within ${this.#timeoutMs} ms for ${this.#name()}`))
  }
}

/** The way to a store that may never answer (I8): after the deadline the outcome is unknown, and told as `CoreError` STORE_TIMEOUT. */
export class StoreAccess {
  readonly #store: Store
  readonly #deadlines: Deadlines
  readonly #timeoutMs: number
  /** The questions that are open: the end of a system ends them. */
  readonly #open = new Set<Pending<never>>()
  #batch: Write[] = []
  readonly #soon = Promise.resolve()

  constructor(store: Store, deadlines: Deadlines, timeoutMs: number) {
    this.#store = store
    this.#deadlines = deadlines
    this.#timeoutMs = timeoutMs
  }

  /** A commit may be asked for before the one before it has its answer. */
  get ordered(): boolean {
    return this.#store.ordered === true
  }

  get(id: string): Promise<StoreRecord | undefined> {
    return this.#promise(id, () => this.#store.get(id))
  }

  /** The newest first. Of a store that keeps none: none. */
  revisions(id: string): Promise<readonly StoreRecord[]> {
    return this.#promise(id, async () => (this.#store as Partial<FullStore>).revisions?.(id) ?? [])
  }

  /** Writes it, together with all that is written in this moment. */
  write(write: Write): void {
    this.#batch.push(write)
    if (this.#batch.length === 1) void this.#soon.then(this.#send)
  }

  readonly #send = (): void => {
    const batch = this.#batch
    this.#batch = []
    const { commitAll } = this.#store as Partial<FullStore>
    if (batch.length === 1 || commitAll === undefined) for (const write of batch) this.#one(write)
    else for (let at = 0; at < batch.length; at += BATCH) this.#together(batch.slice(at, at + BATCH))
  }

  #one(write: Write): void {
    const { id, expectedRev, fence, value } = write
    this.#ask(
      () => `agent ${quote(id)}`,
      () => this.#store.commit(id, expectedRev, fence, value),
      (rev) => write.stored(rev),
      (error) => write.refused(error),
    )
  }

  #together(writes: readonly Write[]): void {
    this.#ask(
      () => `${writes.length} agents, ${quote(writes[0]?.id)} first`,
      () => (this.#store as FullStore).commitAll(writes),
      (revs) => {
        for (const [at, write] of writes.entries()) write.stored(revs[at] as number)
      },
      (error) => {
        // All or none: one that may not write keeps none of the others from it (I1).
        const alone = isFinal(error) || ALONE.has((error as { readonly code?: unknown } | null)?.code)
        for (const write of writes) {
          if (alone) this.#one(write)
          else write.refused(error)
        }
      },
    )
  }

  #promise<T>(id: string, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#ask(() => `agent ${quote(id)}`, call, resolve, reject)
    })
  }

  #ask<T>(name: () => string, call: () => Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
    const pending = new Pending<T>(name, this.#timeoutMs, this.#open, this.#deadlines, done, failed)
    try {
      call().then(pending.resolve, pending.reject)
    } catch (error) {
      // A store whose methods are not async.
      pending.reject(error)
    }
  }

  /** Nobody waits for an answer any more. */
  close(error: Error): void {
    for (const pending of this.#open) pending.reject(error)
  }
}
