import type { SourceStamp } from '../map/entry.ts'
import { GridError, quote } from '../errors.ts'

interface Accepted extends SourceStamp {
  readonly writer: string
  readonly atMs: number
}

/**
 * When did each source last say something new (I4)? Only a strictly newer (epoch, seq) counts, by the local monotonic time
 * of its acceptance: a repeated or late stamp does not make a silent source look alive.
 */
export class SourceAges {
  readonly #accepted = new Map<string, Accepted>()
  /** Keys whose entry expired, oldest first: kept, so that the age goes on growing, but only so many of them (I6). */
  readonly #expired = new Set<string>()
  readonly #expiredLimit: number
  /** Called when the source spoke, with its age just before, or is gone, with undefined. */
  readonly #listeners = new Map<string, Set<(beforeMs: number | undefined) => void>>()

  constructor(expiredLimit = 65_536) {
    this.#expiredLimit = expiredLimit
  }

  accept(key: string, stamp: SourceStamp, writer: string, atMs: number): void {
    this.#expired.delete(key)
    const last = this.#accepted.get(key)
    if (last !== undefined && !isNewer(stamp, last)) return
    this.#accepted.set(key, { epoch: stamp.epoch, seq: stamp.seq, writer, atMs })
    this.#tell(key, last === undefined ? Infinity : atMs - last.atMs)
  }

  /** Returns the end of it. */
  listen(key: string, listener: (beforeMs: number | undefined) => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key)
    }
  }

  /** Throws `GridError` NOT_THE_SOURCE unless `writer` holds the epoch, or begins a higher one. */
  check(map: string, key: string, stamp: SourceStamp, writer: string): void {
    const last = this.#accepted.get(key)
    if (last === undefined || last.writer === writer || stamp.epoch > last.epoch) return
    throw new GridError(
      'NOT_THE_SOURCE',
      `${writer} cannot write ${quote(key)} of map ${quote(map)} with epoch ${stamp.epoch}: epoch ${last.epoch} belongs to ${last.writer}. A new source uses a higher epoch`,
    )
  }

  /** Milliseconds since the last newer stamp was accepted; Infinity if none ever was. */
  ageMs(key: string, nowMs: number): number {
    const last = this.#accepted.get(key)
    return last === undefined ? Infinity : nowMs - last.atMs
  }

  /** The key was removed: the source is gone. */
  forget(key: string): void {
    const known = this.#accepted.delete(key)
    this.#expired.delete(key)
    if (known) this.#tell(key, undefined)
  }

  /** The key's entry expired: the source is silent, not gone. */
  expire(key: string): void {
    if (!this.#accepted.has(key)) return
    this.#expired.add(key)
    if (this.#expired.size <= this.#expiredLimit) return
    const [oldest] = this.#expired
    if (oldest !== undefined) this.forget(oldest)
  }

  #tell(key: string, beforeMs: number | undefined): void {
    if (this.#listeners.size === 0) return
    const listeners = this.#listeners.get(key)
    if (listeners !== undefined) for (const listener of listeners) listener(beforeMs)
  }
}

function isNewer(stamp: SourceStamp, last: SourceStamp): boolean {
  return stamp.epoch > last.epoch || (stamp.epoch === last.epoch && stamp.seq > last.seq)
}
