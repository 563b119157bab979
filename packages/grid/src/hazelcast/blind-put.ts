import type { IMap } from 'hazelcast-client'
import type { DriverPut, DriverWrite } from '../driver.ts'
import type { GridError } from '../errors.ts'
import { Operation, type InFlight } from '../map/in-flight.ts'
import { replace, storedOf, type Attempt, type Committed } from './attempt.ts'
import type { Awaited } from './awaited-writes.ts'
import type { BatchedSet } from './batches.ts'
import { envelopeOf, type Frame, type SentFrame } from './frame.ts'
import type { Guard } from './guard.ts'
import { toStanding, type Outcomes, type StandingWrite } from './outcomes.ts'
import type { OwnCopy } from './own-copy.ts'
import type { OwnWrites } from './own-writes.ts'
import { WIRE_HEAD } from './wire.ts'

export interface BlindPutOptions {
  readonly copy: OwnCopy
  readonly own: OwnWrites
  readonly session: string
  readonly outcomes: Outcomes
  readonly inFlight: InFlight
  readonly guard: Guard
  /** The same write, but it looks at what it replaces. */
  readonly swap: (write: DriverWrite) => Promise<Committed>
  readonly attempt: (write: DriverWrite, number: number) => Attempt
  /** Resolves with the map of the present connection. Throws `GridError` OFFLINE. */
  readonly ready: () => IMap<string, Buffer> | Promise<IMap<string, Buffer>>
  /** Resolves when what has to come before a write of this key has ended. */
  readonly before: (key: string) => Promise<void> | undefined
}

/** Makes what the caller gets. */
export type Outcome<R> = Pick<DriverPut<R>, 'entry'>

/** What puts of one map have in common. */
export interface PutSender {
  readonly options: BlindPutOptions
  send<R>(imap: IMap<string, Buffer>, put: BlindPut<R>): void
}

const NOTHING = Buffer.alloc(0)

/** Ends when its owner has answered and it is in this process's copy, if there is one: one object for all of that, because most writes go this way. */
export class BlindPut<R> extends Operation implements BatchedSet, Awaited, SentFrame {
  readonly kind = 'put'
  readonly write: DriverWrite
  version = 0
  number = 0
  stampMs = 0
  packed: Buffer = NOTHING
  wired: unknown = undefined
  readonly #puts: PutSender
  readonly #placed: boolean
  readonly #as: Outcome<R>
  readonly #resolve: (result: R) => void
  readonly #reject: (error: unknown) => void
  #answered = false
  #applied: Frame | true | undefined
  #ended = false

  constructor(
    puts: PutSender,
    write: DriverWrite,
    placed: boolean,
    as: Outcome<R>,
    resolve: (result: R) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#puts = puts
    this.write = write
    this.#placed = placed
    this.#as = as
    this.#resolve = resolve
    this.#reject = reject
  }

  get key(): string {
    return this.write.key
  }

  get session(): string {
    return this.#puts.options.session
  }

  get ttlMs(): number | undefined {
    return this.write.ttlMs
  }

  get unheard(): boolean {
    return this.#puts.options.copy.awaited === undefined
  }

  get bytes(): Uint8Array {
    return envelopeOf(this.packed, WIRE_HEAD)
  }

  get sent(): SentFrame {
    return this
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
    this.#puts.options.own.made(this.number)
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
    const { outcomes, attempt, guard, copy } = this.#puts.options
    const { write, number } = this
    const again = async (imap: IMap<string, Buffer>, raw: Buffer | null): Promise<StandingWrite | undefined> => {
      if (guard.looks) guard.check(write.key, raw, copy.toRecord(write.key, raw))
      const made = attempt(write, number)
      // Over nothing that has come meanwhile: whoever wrote that may have seen this put.
      return (await replace(imap, write, raw, storedOf(made))) ? made : undefined
    }
    const standing = (frame: Frame): StandingWrite | 'hidden' | undefined => {
      // Who writes over what it has seen has a version above it: made again, this put might undo what came of it.
      if (frame.session !== this.session) return frame.version > this.version ? 'hidden' : undefined
      if (frame.number < number) return undefined
      // A later put of this process has come after it: made again, it would take that one's place.
      return frame.number === number ? toStanding(frame) : { version: this.version, atMs: this.stampMs }
    }
    outcomes.settle({ write, number, applied: this.#whenApplied(), error: reason, standing, again }).then(
      ({ version, atMs }) => this.#succeed(version, atMs),
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
    const { own, copy, attempt, outcomes, guard } = this.#puts.options
    if (guard.looks) return this.#look()
    this.number = own.begin(this.key)
    try {
      const { version, atMs, packed } = attempt(this.write, this.number)
      this.version = version
      this.stampMs = atMs
      this.packed = packed
    } catch (error) {
      outcomes.void(this.number)
      return this.#fail(error)
    }
    if (copy.awaited === undefined) this.#applied = true
    else copy.awaited.begin(this.number, this)
    try {
      this.#puts.send(imap, this)
    } catch (error) {
      this.failed(error)
    }
  }

  /** There may be what must not be written over (I9). */
  #look(): void {
    this.#puts.options.swap(this.write).then(
      ({ version, atMs }) => this.#succeed(version, atMs),
      (error: unknown) => this.#fail(error),
    )
  }

  #whenApplied(): Promise<Frame | undefined> | undefined {
    const { awaited } = this.#puts.options.copy
    if (awaited === undefined) return undefined
    if (this.#applied !== undefined) return Promise.resolve(this.#applied === true ? undefined : this.#applied)
    return awaited.until(this.number, this.write)
  }

  #settle(): void {
    const applied = this.#applied
    if (!this.#answered || applied === undefined) return
    // What stands there, where another attempt than this one was made.
    const { version, stampMs } = applied === true ? this : applied
    this.#succeed(version, stampMs)
  }

  #succeed(version: number, atMs: number): void {
    this.#puts.options.copy.made?.(this.key, version, atMs, this.write.ttlMs === undefined)
    this.#end()
    this.#resolve(this.#as.entry(version, atMs))
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
