import type { IMap } from 'hazelcast-client'
import type { DriverWrite } from '../driver.ts'
import type { GridError } from '../errors.ts'
import { Operation, type InFlight } from '../map/in-flight.ts'
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
  readonly inFlight: InFlight
  readonly attempt: (write: DriverWrite, number: number) => Attempt
  /** Resolves with the map of the present connection. Throws `GridError` OFFLINE. */
  readonly ready: () => IMap<string, Buffer> | Promise<IMap<string, Buffer>>
  /** Resolves when what has to come before a write of this key has ended. */
  readonly before: (key: string) => Promise<void> | undefined
  /** Of a key, while there is a connection. */
  readonly partitionOf: (key: string) => number
}

/** Puts that do not look at what is there: each costs its place in one message. */
export class BlindPuts {
  readonly options: BlindPutsOptions
  readonly #batches: Batches

  constructor(options: BlindPutsOptions) {
    this.options = options
    this.#batches = new Batches({ partitionOf: options.partitionOf, defer: (run) => process.nextTick(run) })
  }

  /** `placed`: it takes one of the places of writes under way; else it belongs to an operation that has one. */
  put(write: DriverWrite, placed: boolean): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const put = new BlindPut(this, write, placed, resolve, reject)
      if (placed) this.options.inFlight.enter(put)
      else put.begin()
    })
  }

  /** What is sent next for this key comes after what is put already. */
  flush(key: string): void {
    this.#batches.flush(key)
  }

  // A batch takes no time to live.
  send(imap: IMap<string, Buffer>, put: BlindPut): void {
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
class BlindPut extends Operation implements BatchedSet, Awaited {
  readonly write: DriverWrite
  readonly #puts: BlindPuts
  readonly #placed: boolean
  readonly #resolve: (committed: Committed) => void
  readonly #reject: (error: unknown) => void
  #number = 0
  #attempt: Attempt | undefined
  #answered = false
  #applied: Frame | true | undefined
  #ended = false

  constructor(
    puts: BlindPuts,
    write: DriverWrite,
    placed: boolean,
    resolve: (committed: Committed) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#puts = puts
    this.write = write
    this.#placed = placed
    this.#resolve = resolve
    this.#reject = reject
  }

  get key(): string {
    return this.write.key
  }

  get stored(): Buffer {
    return (this.#attempt as Attempt).stored
  }

  what(): string {
    return this.#puts.options.outcomes.what(this.write)
  }

  begin(): void {
    const before = this.#puts.options.before(this.key)
    if (before === undefined) this.#whenReady()
    else void before.then(() => this.#whenReady())
  }

  refuse(error: GridError): void {
    this.#reject(error)
  }

  made(): void {
    this.#puts.options.own.made(this.#number)
    this.#answered = true
    this.#settle()
  }

  applied(frame: Frame | undefined): void {
    this.#applied = frame ?? true
    this.#settle()
  }

  closed(error: GridError): void {
    this.#fail(error)
  }

  /** Its answer was lost. */
  failed(reason: unknown): void {
    const { outcomes, attempt } = this.#puts.options
    const [write, number] = [this.write, this.#number]
    const again = async (imap: IMap<string, Buffer>): Promise<boolean> => {
      await imap.set(write.key, attempt(write, number).stored, serverTtlMs(write.ttlMs))
      return true
    }
    outcomes.settle({ write, number, applied: this.#whenApplied(), error: reason, again }).then(
      (committed) => this.#succeed(committed),
      (error: unknown) => this.#fail(error),
    )
  }

  #whenReady(): void {
    try {
      const imap = this.#puts.options.ready()
      if (!(imap instanceof Promise)) return this.#start(imap)
      imap.then(
        (later) => this.#start(later),
        (error: unknown) => this.#fail(error),
      )
    } catch (error) {
      this.#fail(error)
    }
  }

  #start(imap: IMap<string, Buffer>): void {
    const { own, changes, attempt, outcomes } = this.#puts.options
    this.#number = own.begin(this.key)
    try {
      this.#attempt = attempt(this.write, this.#number)
    } catch (error) {
      outcomes.void(this.#number)
      return this.#fail(error)
    }
    changes.awaited.begin(this.#number, this)
    try {
      this.#puts.send(imap, this)
    } catch (error) {
      this.failed(error)
    }
  }

  #whenApplied(): Promise<Frame | undefined> {
    if (this.#applied !== undefined) return Promise.resolve(this.#applied === true ? undefined : this.#applied)
    return this.#puts.options.changes.awaited.until(this.#number, this.write)
  }

  #settle(): void {
    const applied = this.#applied
    if (this.#answered && applied !== undefined)
      this.#succeed(toCommitted(applied === true ? undefined : applied, this.#attempt as Attempt))
  }

  #succeed(committed: Committed): void {
    this.#end()
    this.#resolve(committed)
  }

  #fail(error: unknown): void {
    this.#end()
    this.#reject(error)
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#placed) this.#puts.options.inFlight.ended(this)
  }
}
