import type { IMap } from 'hazelcast-client'
import type { DriverWrite } from '../driver.ts'
import type { GridError } from '../errors.ts'
import { serverTtlMs, toCommitted, type Attempt, type Committed } from './attempt.ts'
import type { Awaited } from './awaited-writes.ts'
import { Batches, type BatchedSet } from './batches.ts'
import type { Changes } from './changes.ts'
import type { Frame } from './frame.ts'
import type { Outcomes } from './outcomes.ts'
import type { OwnWrites } from './own-writes.ts'

export interface BlindPutsOptions {
  readonly changes: Changes
  readonly own: OwnWrites
  readonly outcomes: Outcomes
  readonly attempt: (write: DriverWrite, number: number) => Attempt
  /** Of a key, while there is a connection. */
  readonly partitionOf: (key: string) => number
}

/** Puts that do not look at what is there: each costs its place in one message. */
export class BlindPuts {
  readonly #options: BlindPutsOptions
  readonly #batches: Batches

  constructor(options: BlindPutsOptions) {
    this.#options = options
    this.#batches = new Batches({ partitionOf: options.partitionOf, defer: (run) => process.nextTick(run) })
  }

  put(imap: IMap<string, Buffer>, write: DriverWrite): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const { own, changes, attempt } = this.#options
      const number = own.begin(write.key)
      const put = new BlindPut(this.#options, write, number, attempt(write, number), resolve, reject)
      changes.awaited.begin(number, put)
      try {
        this.#send(imap, put)
      } catch (error) {
        put.failed(error)
      }
    })
  }

  /** What is sent next for this key comes after what is put already. */
  flush(key: string): void {
    this.#batches.flush(key)
  }

  // A batch takes no time to live.
  #send(imap: IMap<string, Buffer>, put: BlindPut): void {
    const { key, stored, write } = put
    if (write.ttlMs === undefined) return this.#batches.set(imap, put)
    this.#batches.flush(key)
    imap.set(key, stored, serverTtlMs(write.ttlMs)).then(
      () => put.made(),
      (error: unknown) => put.failed(error),
    )
  }
}

/** Ends when its owner has answered and it is in this process's copy: one object for all of that, because most writes go this way. */
class BlindPut implements BatchedSet, Awaited {
  readonly write: DriverWrite
  readonly #options: BlindPutsOptions
  readonly #number: number
  readonly #attempt: Attempt
  readonly #resolve: (committed: Committed | Promise<Committed>) => void
  readonly #reject: (error: GridError) => void
  #answered = false
  #applied: Frame | true | undefined

  constructor(
    options: BlindPutsOptions,
    write: DriverWrite,
    number: number,
    attempt: Attempt,
    resolve: (committed: Committed | Promise<Committed>) => void,
    reject: (error: GridError) => void,
  ) {
    this.#options = options
    this.write = write
    this.#number = number
    this.#attempt = attempt
    this.#resolve = resolve
    this.#reject = reject
  }

  get key(): string {
    return this.write.key
  }

  get stored(): Buffer {
    return this.#attempt.stored
  }

  made(): void {
    this.#options.own.made(this.#number)
    this.#answered = true
    this.#settle()
  }

  applied(frame: Frame | undefined): void {
    this.#applied = frame ?? true
    this.#settle()
  }

  closed(error: GridError): void {
    this.#reject(error)
  }

  /** Its answer was lost. */
  failed(reason: unknown): void {
    const { outcomes, attempt } = this.#options
    const [write, number] = [this.write, this.#number]
    const again = async (imap: IMap<string, Buffer>): Promise<boolean> => {
      await imap.set(write.key, attempt(write, number).stored, serverTtlMs(write.ttlMs))
      return true
    }
    const outcome = outcomes.settle({ write, number, applied: this.#whenApplied(), error: reason, again })
    // The map may have been closed meanwhile: then whoever waited has been told, and nobody looks here.
    outcome.catch(() => {})
    this.#resolve(outcome)
  }

  #whenApplied(): Promise<Frame | undefined> {
    if (this.#applied !== undefined) return Promise.resolve(this.#applied === true ? undefined : this.#applied)
    return this.#options.changes.awaited.until(this.#number, this.write)
  }

  #settle(): void {
    const applied = this.#applied
    if (this.#answered && applied !== undefined) this.#resolve(toCommitted(applied === true ? undefined : applied, this.#attempt))
  }
}
