import { onRejected } from '../promised.ts'

/** What takes lines: a stream of Node, or anything with `write`. */
export interface Destination {
  write(line: string, written?: (error?: Error | null) => void): unknown
}

/** A destination as a guest (I7): whatever it does ends no process, holds no memory without a bound, and is counted. */
export interface GuardedStream {
  /** Never throws. */
  write(line: string): void
  /** When all that was given is written, or failed. For ever, if the destination stands still: the caller has a deadline. */
  settled(): Promise<void>
  /** From now on it is listened to only while something is being written: its owner may have ends of its own. */
  release(): void
  /** What waits is given up, and counted. */
  abandon(): void
}

/** What may wait in a stream for its reader (I6). */
const MAX_BYTES = 16 * 2 ** 20
const MAX_LINES = 2 ** 16

type Emitter = Record<'on' | 'off', (event: 'error', listener: () => void) => unknown>

/** Streams tell errors by an event that ends the process where nobody listens: a full disk, a pipe that nobody reads any more. */
function emitterOf(destination: unknown): Emitter | undefined {
  const { on, off } = destination as Partial<Emitter>
  return typeof on === 'function' && typeof off === 'function' ? (destination as Emitter) : undefined
}

/** `lost`: is told how many lines were not written. `held`: false for one that is released at once. */
export function guardStream(destination: Destination, lost: (lines: number) => void, held = true): GuardedStream {
  const emitter = emitterOf(destination)
  /** Streams say of each line when it is written, and what waits in them; others do not. */
  const isStream = emitter !== undefined && typeof (destination as { readonly writableLength?: unknown }).writableLength === 'number'
  let released = !held
  let listening = false
  let failed = false
  let pending = 0
  /** Lines given up: what becomes of them does not count again. */
  let abandoned = 0
  let waiting: (() => void)[] = []

  const onError = (): void => {
    failed = true
    // Of a stream each line that is lost says so itself.
    if (!isStream) lost(1)
  }
  const listen = (): void => {
    if (listening) return
    listening = true
    emitter?.on('error', onError)
  }
  /** A destination that has failed tells of it later, and perhaps again. */
  const letGo = (): void => {
    if (!released || !listening || failed || pending > 0) return
    listening = false
    emitter?.off('error', onError)
  }
  const written = (error?: Error | null): void => {
    pending -= 1
    if (error) failed = true
    if (abandoned > 0) abandoned -= 1
    else if (error) lost(1)
    if (pending > 0) return
    for (const wake of waiting) wake()
    waiting = []
    letGo()
  }
  const isFull = (): boolean =>
    pending >= MAX_LINES || (destination as unknown as { readonly writableLength: number }).writableLength >= MAX_BYTES

  if (held) listen()
  return {
    write(line) {
      if (isStream && isFull()) return lost(1)
      listen()
      try {
        if (!isStream) {
          const answer = destination.write(line)
          onRejected(answer, () => lost(1))
          return
        }
        pending += 1
        destination.write(line, written)
      } catch {
        if (isStream) pending -= 1
        lost(1)
      } finally {
        letGo()
      }
    },
    settled: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    release() {
      released = true
      letGo()
    },
    abandon() {
      lost(pending - abandoned)
      abandoned = pending
      for (const wake of waiting) wake()
      waiting = []
    },
  }
}
