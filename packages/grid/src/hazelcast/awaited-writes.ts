import type { DriverWrite } from '../driver.ts'
import type { GridError } from '../errors.ts'
import { numberOf, type Frame, type SentFrame } from './frame.ts'
import { WIRE_HEAD } from './wire.ts'

/** A write of this process that is not in its copy yet. */
export interface Awaited {
  readonly write: DriverWrite
  /** As it was sent, unless it may be sent in more than one form. */
  readonly sent?: SentFrame | undefined
  /** With what was applied; undefined if it, or something later, was read. */
  readonly applied: (frame: Frame | undefined) => void
  readonly closed: (error: GridError) => void
}

/** Writes of this process, by number, from the moment they are sent until they are in its copy: then its session can read them. */
export class AwaitedWrites {
  readonly #awaited = new Map<number, Awaited>()
  #closed: GridError | undefined

  begin(number: number, awaited: Awaited): void {
    if (this.#closed === undefined) this.#awaited.set(number, awaited)
    else awaited.closed(this.#closed)
  }

  /** Resolves when it is in the copy. */
  until(number: number, write: DriverWrite): Promise<Frame | undefined> {
    const applied = new Promise<Frame | undefined>((resolve, reject) => {
      this.begin(number, { write, applied: resolve, closed: reject })
    })
    // The write itself may fail first, and then nobody waits here.
    applied.catch(() => {})
    return applied
  }

  /** It was not made, or nobody waits for it any more. */
  abandon(number: number): void {
    this.#awaited.delete(number)
  }

  get(number: number): DriverWrite | undefined {
    return this.#awaited.get(number)?.write
  }

  /** The write that was sent as these very bytes: what they say need not be read again. */
  sentAs(stored: Buffer): SentFrame | undefined {
    const sent = this.#awaited.get(numberOf(stored))?.sent
    return sent !== undefined && stored.compare(sent.packed, WIRE_HEAD) === 0 ? sent : undefined
  }

  settle(number: number, frame: Frame | undefined): void {
    const awaited = this.#awaited.get(number)
    if (awaited === undefined) return
    this.#awaited.delete(number)
    awaited.applied(frame)
  }

  /** All up to this number. */
  settleTo(number: number): void {
    for (const one of this.#awaited.keys()) if (one <= number) this.settle(one, undefined)
  }

  close(error: GridError): void {
    this.#closed = error
    for (const awaited of this.#awaited.values()) awaited.closed(error)
    this.#awaited.clear()
  }
}
