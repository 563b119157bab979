import type { IMap } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import type { DriverWrite } from '../driver.ts'
import { readFrame, type Frame } from './frame.ts'

export interface GarbageOptions {
  readonly realClock: Clock
  /** How long the mark of a remove is kept. */
  readonly tombstoneMs: number
  readonly imap: () => IMap<string, Buffer> | undefined
}

interface Waiting {
  readonly version: number
  /** Undefined: an entry that is not over yet, as far as is known. */
  readonly stored: Buffer
  readonly dueAtMs: number
}

const SLACK_MS = 10_000
const PER_TICK = 16
const LIMIT = 65_536

/**
 * What is stored in the cluster but dead: marks of removes, and expired entries whose member was not told when to forget them. Each
 * is taken away by comparing, so nothing that was written meanwhile can go with it; setting a time to live would not compare.
 */
export class Garbage {
  readonly #options: GarbageOptions
  readonly #waiting = new Map<string, Waiting>()

  constructor(options: GarbageOptions) {
    this.#options = options
  }

  /** A write of this process replaced what was there. */
  replaced({ key, type, ttlMs }: DriverWrite, stored: Buffer, version: number): void {
    if (type === 'remove') this.#add(key, stored, version, this.#options.tombstoneMs)
    else if (ttlMs === undefined) this.#waiting.delete(key)
    else this.#add(key, stored, version, ttlMs + SLACK_MS)
  }

  /** Met while reading the map: whose it was may be gone, so whoever meets it collects it. */
  found(key: string, stored: Buffer, frame: Frame): void {
    if (this.#waiting.get(key)?.version === frame.version) return
    // Late enough for its writer to do it, and not all at once.
    this.#add(key, stored, frame.version, this.#options.tombstoneMs + SLACK_MS + Math.random() * SLACK_MS)
  }

  tick(nowMs: number): void {
    if (this.#waiting.size === 0) return
    let looked = 0
    for (const [key, { dueAtMs, stored }] of this.#waiting) {
      if (++looked > PER_TICK) break
      this.#waiting.delete(key)
      if (dueAtMs > nowMs) this.#waiting.set(key, { version: readFrame(stored)?.version ?? 0, stored, dueAtMs })
      else
        void this.#options
          .imap()
          ?.remove(key, stored)
          .catch(() => {})
    }
  }

  close(): void {
    this.#waiting.clear()
  }

  // Bounded (I6): what is left out here is met again by a later sweep.
  #add(key: string, stored: Buffer, version: number, inMs: number): void {
    if (this.#waiting.size >= LIMIT && !this.#waiting.has(key)) return
    this.#waiting.delete(key)
    this.#waiting.set(key, { version, stored, dueAtMs: this.#options.realClock.now() + inMs })
  }
}
