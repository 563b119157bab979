import type { SourceStamp } from './entry.ts'
import { GridError, quote } from './errors.ts'

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

  constructor(expiredLimit = 65_536) {
    this.#expiredLimit = expiredLimit
  }

  accept(key: string, stamp: SourceStamp, writer: string, atMs: number): void {
    this.#expired.delete(key)
    const last = this.#accepted.get(key)
    if (last !== undefined && !isNewer(stamp, last)) return
    this.#accepted.set(key, { epoch: stamp.epoch, seq: stamp.seq, writer, atMs })
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
    this.#accepted.delete(key)
    this.#expired.delete(key)
  }

  /** The key's entry expired: the source is silent, not gone. */
  expire(key: string): void {
    if (!this.#accepted.has(key)) return
    this.#expired.add(key)
    if (this.#expired.size <= this.#expiredLimit) return
    const [oldest] = this.#expired
    if (oldest !== undefined) this.forget(oldest)
  }
}

function isNewer(stamp: SourceStamp, last: SourceStamp): boolean {
  return stamp.epoch > last.epoch || (stamp.epoch === last.epoch && stamp.seq > last.seq)
}
