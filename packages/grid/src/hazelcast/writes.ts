import type { Client, IMap } from 'hazelcast-client'
import type { Clock } from '../time/clock.ts'
import type { CommitResult, DriverPut, DriverWrite } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import { isKey } from '../options.ts'
import { inBatches } from '../map/in-batches.ts'
import type { InFlight } from '../map/in-flight.ts'
import { replace, standing, storedOf, toCommitted, type Attempt, type Committed } from './attempt.ts'
import { BlindPuts } from './blind-puts.ts'
import { toGridError } from './client-errors.ts'
import { frameBytes, packFrameBefore, readFrame, type Frame } from './frame.ts'
import type { Garbage } from './garbage.ts'
import type { Guard } from './guard.ts'
import { inTurns } from './in-turns.ts'
import { isSameWrite } from './known-keys.ts'
import type { OwnerReads } from './owner-reads.ts'
import { packWireHead, WIRE_HEAD, wireOf } from './wire.ts'
import { Outcomes, toStanding, type OutcomesOptions, type StandingWrite } from './outcomes.ts'

export interface WritesOptions extends OutcomesOptions {
  /** Stamps entries. */
  readonly clock: Clock
  readonly hybrid: HybridClock
  readonly garbage: Garbage
  readonly guard: Guard
  readonly inFlight: InFlight
  /** While there is a connection. */
  readonly client: () => Client
}

const COMMITTED = { entry: toCommitted }

/** Commits the writes of one map. Each is in this process's copy, if there is one, when it resolves. */
export class Writes {
  readonly #options: WritesOptions
  readonly #outcomes: Outcomes
  readonly #blind: BlindPuts
  /** Bytes of the frame before each envelope. */
  readonly #room: number
  /** The last write under way of each key that reads before it writes: what is written after it has to come after it. */
  readonly #swapping = new Map<string, Promise<void>>()

  constructor(options: WritesOptions) {
    this.#options = options
    this.#room = WIRE_HEAD + frameBytes(options.session)
    this.#outcomes = new Outcomes(options)
    this.#blind = new BlindPuts({
      ...options,
      outcomes: this.#outcomes,
      partitionOf: (wired) => options.client().getPartitionService().getPartitionId(wired),
      wire: () => wireOf(options.client()),
      attempt: (write, number) => this.#attempt(write, number),
      // Of a put that expects nothing.
      swap: (write) => this.#swapInOrder(write) as Promise<Committed>,
      before: (key) => (this.#swapping.size === 0 ? undefined : this.#swapping.get(key)),
    })
  }

  /** The same as `commit` of a put that looks at nothing. */
  put<E>(write: DriverPut<E>): Promise<E> {
    return this.#blind.put(write, true, write)
  }

  /** What is asked of this key next comes after what was put. */
  flush(key: string): void {
    this.#blind.flush(key)
  }

  /** Begins in the order of the calls, for each key, once there is a place for it. */
  commit(write: DriverWrite): Promise<CommitResult> {
    if (isBlind(write)) return this.#blind.put(write, true, COMMITTED)
    return this.#options.inFlight.run(
      () => this.#outcomes.what(write),
      () => this.#swapInOrder(write),
    )
  }

  /** Each key by itself, in batches that have a place and a deadline each. */
  commitAll(writes: readonly DriverWrite[], of: 'putAll' | 'clear', signal?: AbortSignal): Promise<void> {
    const { inFlight, map, realClock, deadlineMs } = this.#options
    return inBatches(writes, { clock: realClock, deadlineMs, signal }, (batch) =>
      inFlight.run(
        () => `${of} of map ${quote(map)}: a batch of ${batch.length} entries`,
        () => Promise.all(batch.map((write) => this.#commitAmong(write))),
      ),
    )
  }

  /** Removes what stands under the keys that the owners have now. */
  async clear(reads: OwnerReads, removal: (key: string) => DriverWrite, signal?: AbortSignal): Promise<void> {
    const { inFlight, map } = this.#options
    const keys = await inFlight.run(
      () => `clear of map ${quote(map)}: asking for its keys`,
      () => reads.keys(),
      true,
    )
    const removals: DriverWrite[] = []
    // Others may have put keys there that no grid can have written: they are left alone.
    await inTurns(keys, (key) => isKey(key) && removals.push(removal(key)))
    await this.commitAll(removals, 'clear', signal)
  }

  #commitAmong(write: DriverWrite): Promise<CommitResult> {
    return isBlind(write) ? this.#blind.put(write, false, COMMITTED) : this.#swapInOrder(write)
  }

  #swapInOrder(write: DriverWrite): Promise<CommitResult> {
    const before = this.#swapping.get(write.key)
    const swapping = before === undefined ? this.#swap(write) : before.then(() => this.#swap(write))
    const ended: Promise<void> = swapping.then(
      () => this.#swapped(write.key, ended),
      () => this.#swapped(write.key, ended),
    )
    this.#swapping.set(write.key, ended)
    return swapping
  }

  // A write that looks: read, compare, and replace exactly what was read.
  async #swap(write: DriverWrite): Promise<CommitResult> {
    const result = await this.#trySwap(write)
    if (result.ok) this.#options.copy.made?.(write.key, result.version, result.atMs, write.type === 'put' && write.ttlMs === undefined)
    return result
  }

  async #trySwap(write: DriverWrite): Promise<CommitResult> {
    const { own, copy, session } = this.#options
    let number = 0
    let applied: Promise<Frame | undefined> | undefined
    let heard: Frame | undefined
    const untilMs = this.#options.realClock.now() + this.#options.deadlineMs
    for (;;) {
      if (number > 0 && this.#options.realClock.now() > untilMs) {
        this.#outcomes.void(number)
        throw new GridError(
          'TIMEOUT',
          `${this.#outcomes.what(write)}: others were faster for ${this.#options.deadlineMs} ms; it was not made`,
        )
      }
      const { imap, raw } = await this.#look(write, number)
      const stands = number > 0 ? this.#ownOf(raw, number) : undefined
      const made = heard ?? stands
      if (made !== undefined) {
        own.made(number)
        if (stands !== undefined) this.#options.garbage.replaced(write, raw as Buffer, stands.version)
        return toCommitted(made.version, made.stampMs)
      }
      const current = copy.toRecord(write.key, raw)
      const fits = write.expect === undefined || write.expect === (current?.version ?? 0)
      if (!fits || (write.type === 'remove' && current === undefined)) {
        if (number > 0) this.#outcomes.void(number)
        return { ok: false, current }
      }
      this.#options.hybrid.see(this.#options.guard.check(write.key, raw, current))
      if (number === 0) {
        number = own.begin(write.key)
        applied = copy.awaited?.until(number, write)
        applied?.then((frame) => (heard = frame)).catch(() => {})
      }
      const attempt = this.#attempt(write, number)
      const stored = storedOf(attempt)
      try {
        if (!(await replace(imap, write, raw, stored))) continue
      } catch (error) {
        const again = async (other: IMap<string, Buffer>): Promise<StandingWrite | undefined> =>
          (await replace(other, write, raw, stored)) ? attempt : undefined
        const found = (frame: Frame): StandingWrite | undefined => (isSameWrite(frame, { session, number }) ? toStanding(frame) : undefined)
        return this.#outcomes.settle({ write, number, applied, error, standing: found, again })
      }
      own.made(number)
      // Replacing wipes the member's own time to live.
      this.#options.garbage.replaced(write, stored, attempt.version)
      return standing(await applied, attempt)
    }
  }

  // Where a member dies, the client or another member may ask its successor again, by itself: then what was made is answered with no.
  #ownOf(raw: Buffer | null, number: number): Frame | undefined {
    const frame = readFrame(raw)
    return frame !== undefined && isSameWrite(frame, { session: this.#options.session, number }) ? frame : undefined
  }

  async #look(write: DriverWrite, number: number): Promise<{ readonly imap: IMap<string, Buffer>; readonly raw: Buffer | null }> {
    try {
      const imap = await this.#options.ready()
      this.#blind.flush(write.key)
      return { imap, raw: await imap.get(write.key) }
    } catch (error) {
      if (number > 0) this.#outcomes.void(number)
      throw toGridError(error, this.#outcomes.what(write))
    }
  }

  #attempt(write: DriverWrite, number: number): Attempt {
    const { hybrid, clock, session, copy } = this.#options
    const [version, atMs] = [hybrid.next(), clock.now()]
    const unheard = copy.awaited === undefined
    const packed = write.packAfter?.(this.#room, version, atMs) ?? packAfter(this.#room, write.pack(version, atMs))
    packFrameBefore(packed, { kind: write.type, version, session, number, stampMs: atMs, ttlMs: write.ttlMs, unheard }, WIRE_HEAD)
    packWireHead(packed)
    return { version, atMs, packed }
  }

  #swapped(key: string, ended: Promise<void>): void {
    if (this.#swapping.get(key) === ended) this.#swapping.delete(key)
  }
}

function packAfter(room: number, bytes: Uint8Array): Buffer {
  const packed = Buffer.allocUnsafe(room + bytes.length)
  packed.set(bytes, room)
  return packed
}

/** It does not look at what is there. */
function isBlind({ type, expect, strong }: DriverWrite): boolean {
  return type === 'put' && expect === undefined && strong !== true
}
