import type { Deadlines } from '../deadlines.ts'
import { agentName, Pending, type Asker } from './pending.ts'
import { Reads, type Reader } from './reads.ts'
import { createResidents } from './residents.ts'
import type { FullStore, Store, StoreRecord } from './store.ts'
import { Writes, type Write } from './writes.ts'

/** The way to a store that may never answer (I8): after the deadline the outcome is unknown, and told as `CoreError` STORE_TIMEOUT. */
export class StoreAccess {
  readonly #store: Store
  readonly #deadlines: Deadlines
  readonly #timeoutMs: number
  /** The questions that are open: the end of a system ends them. */
  readonly #open = new Set<Pending<never>>()
  readonly #reads: Reads
  readonly #writes: Writes
  readonly residents: readonly object[] = createResidents()

  constructor(store: Store, deadlines: Deadlines, timeoutMs: number) {
    this.#store = store
    this.#deadlines = deadlines
    this.#timeoutMs = timeoutMs
    this.#reads = new Reads(store, (asker, call) => this.#ask(asker, call))
    this.#writes = new Writes(store, (asker, call) => this.#ask(asker, call))
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
    this.#writes.add(write)
  }

  #promise<T>(id: string, call: () => Promise<T>): Promise<T> {
    return new Promise((done, failed) => this.#ask({ name: agentName(id), done, failed }, call))
  }

  #ask<T>(asker: Asker<T>, call: () => Promise<T>): void {
    const pending = new Pending<T>(asker, this.#timeoutMs, this.#open, this.#deadlines)
    pending.begin()
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
