import type { DriverWrite } from '../driver.ts'
import type { GridError } from '../errors.ts'
import type { Frame } from './frame.ts'

interface Awaited {
  readonly write: DriverWrite
  /** With what was applied; undefined if it, or something later, was read. */
  readonly settle: (frame: Frame | undefined) => void
  readonly fail: (error: GridError) => void
}

/** Writes of this process, by number, from the moment they are sent until they are in its copy. */
export class AwaitedWrites {
  readonly #awaited = new Map<number, Awaited>()
  #closed: GridError | undefined

  /** Settles when that write is in the copy, and not before: then its session can read it. */
  begin(number: number, write: DriverWrite): Promise<Frame | undefined> {
    const applied = new Promise<Frame | undefined>((settle, fail) => {
      if (this.#closed === undefined) this.#awaited.set(number, { write, settle, fail })
      else fail(this.#closed)
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

  settle(number: number, frame: Frame | undefined): void {
    const awaited = this.#awaited.get(number)
    if (awaited === undefined) return
    this.#awaited.delete(number)
    awaited.settle(frame)
  }

  /** All up to this number. */
  settleTo(number: number): void {
    for (const one of this.#awaited.keys()) if (one <= number) this.settle(one, undefined)
  }

  close(error: GridError): void {
    this.#closed = error
    for (const { fail } of this.#awaited.values()) fail(error)
    this.#awaited.clear()
  }
}
