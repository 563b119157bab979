import { quote } from '../check.ts'
import { Deadline, type Deadlines } from '../deadlines.ts'
import { CoreError } from '../errors.ts'
import { Reads, type Reader } from './reads.ts'
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

/** Whoever asks the store something. */
export interface Asker<T> {
  /** As an error names it: `agent "r1"`. */
  readonly name: string
  done(answer: T): void
  failed(error: unknown): void
}

/** One question to the store. */
class Pending<T> extends Deadline {
  readonly #asker: Asker<T>
  readonly #timeoutMs: number
  readonly #open: Set<Pending<never>>
  readonly #deadlines: Deadlines

  constructor(asker: Asker<T>, timeoutMs: number, open: Set<Pending<never>>, deadlines: Deadlines) {
    super()
    this.#asker = asker
    this.#timeoutMs = timeoutMs
    this.#open = open
    this.#deadlines = deadlines
    open.add(this as Pending<never>)
    deadlines.set(this, timeoutMs)
  }

  #end(): boolean {
    this.#deadlines.clear(this)
    return this.#open.delete(this as Pending<never>)
  }

  readonly resolve = (value: T): void => {
    if (this.#end()) this.#asker.done(value)
  }

  readonly reject = (error: unknown): void => {
    if (this.#end()) this.#asker.failed(error)
  }

  override late(): void {
    this.reject(new CoreError('STORE_TIMEOUT', `the store did not answer within ${this.#timeoutMs} ms for ${this.#asker.name}`))
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
  readonly #reads: Reads
  readonly #soon = Promise.resolve()

  constructor(store: Store, deadlines: Deadlines, timeoutMs: number) {
    this.#store = store
    this.#deadlines = deadlines
    this.#timeoutMs = timeoutMs
    this.#reads = new Reads(store, (asker, call) => this.#ask(asker, call))
  }

  /** A commit may be asked for before the one before it has its answer. */
  get ordered(): boolean {
    return this.#store.ordered === true
  }

  get(id: string): Promise<StoreRecord | undefined> {
    return this.#promise(id, () => this.#store.get(id))
  }

  /** As `get`, for one of many, together with all that is read in this moment. */
  read(reader: Reader): void {
    this.#reads.add(reader)
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
    const asker: Asker<number> = {
      name: agentName(id),
      done: (rev) => write.stored(rev),
      failed: (error) => write.refused(error),
    }
    this.#ask(asker, () => this.#store.commit(id, expectedRev, fence, value))
  }

  #together(writes: readonly Write[]): void {
    const asker: Asker<readonly number[]> = {
      name: `${writes.length} agents, ${quote(writes[0]?.id)} first`,
      done(revs) {
        for (let at = 0; at < writes.length; at++) writes[at]?.stored(revs[at] as number)
      },
      failed: (error) => {
        // All or none: one that may not write keeps none of the others from it (I1).
        const alone = isFinal(error) || ALONE.has((error as { readonly code?: unknown } | null)?.code)
        for (const write of writes) {
          if (alone) this.#one(write)
          else write.refused(error)
        }
      },
    }
    this.#ask(asker, () => (this.#store as FullStore).commitAll(writes))
  }

  #promise<T>(id: string, call: () => Promise<T>): Promise<T> {
    return new Promise((done, failed) => this.#ask({ name: agentName(id), done, failed }, call))
  }

  #ask<T>(asker: Asker<T>, call: () => Promise<T>): void {
    const pending = new Pending<T>(asker, this.#timeoutMs, this.#open, this.#deadlines)
    try {
      call().then(pending.resolve, pending.reject)
    } catch (error) {
      // A store whose methods are not async.
      pending.reject(error)
    }
  }

  /** Nobody waits for an answer any more. */
  close(error: Error): void {
    this.#reads.close(error)
    for (const pending of this.#open) pending.reject(error)
  }
}

function agentName(id: string): string {
  return `agent ${quote(id)}`
}
