import type { DriverChange, DriverFeed, DriverRecord } from '../driver.ts'
import type { ResyncReason } from '../map/entry.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import { AwaitedWrites } from './awaited-writes.ts'
import type { Completeness } from './completeness.ts'
import { hasVersion, readFrame, type Frame } from './frame.ts'
import { inTurns } from './in-turns.ts'
import { loadInParts } from './load-in-parts.ts'
import type { LostKeys } from './lost-keys.ts'
import { follows, KnownKeys, type Known } from './known-keys.ts'
import { OutOfOrder } from './out-of-order.ts'
import type { OwnCopy } from './own-copy.ts'
import { committedAtMs, isLive, toRecord, type StampClocks } from './stored-record.ts'

export interface ChangesOptions extends StampClocks {
  readonly hybrid: HybridClock
  readonly feed: DriverFeed
  readonly completeness: Completeness
  /** Local time at or before which that session's clock showed `stampMs`, if anything is known of it. */
  readonly earliest: (session: string, stampMs: number) => number | undefined
  /** Gives what is stored a version above the one it replaced. */
  readonly restamp: (key: string, stored: Buffer) => void
  /** Puts back what a write replaced that came a second time. */
  readonly restore: (key: string, zombie: Buffer, replaced: Buffer) => void
  /** Under that key there is what no grid wrote. */
  readonly foreign: (key: unknown) => void
  /** Stored, but dead: removed, or expired. */
  readonly garbage: (key: string, stored: Buffer, frame: Frame) => void
  readonly lost: LostKeys
}

const NOTHING = new Uint8Array()

/** What the owner says, made into changes of this process's copy, in the order of versions, each counted for the proof of completeness. */
export class Changes implements OwnCopy {
  readonly known: KnownKeys = new KnownKeys()
  readonly awaited: AwaitedWrites = new AwaitedWrites()
  readonly #options: ChangesOptions
  readonly #outOfOrder = new OutOfOrder()
  /** Bytes that no grid wrote. */
  readonly #foreign = new Map<string, Buffer>()
  /** A change was missed, and watchers were not told of it yet. */
  #missed = false

  constructor(options: ChangesOptions) {
    this.#options = options
  }

  /** The listener was told that a key has a new value. */
  stored(key: string, stored: Buffer, old: Buffer | null): void {
    const frame = this.awaited.sentAs(stored) ?? readFrame(stored)
    if (frame === undefined) return this.#options.feed.change(this.#toForeign(key, stored))
    const { known } = this
    const { completeness, hybrid, restamp, restore, session } = this.#options
    hybrid.see(frame.version)
    const has = known.get(key)
    const oldFrame = has !== undefined && frame.version > has.version ? undefined : readFrame(old)
    const applied = oldFrame !== undefined && completeness.isApplied(frame.session, frame.number)
    switch (known.judge(key, frame, oldFrame, applied, old !== null)) {
      case 'apply':
        if (!follows(frame, old, has, (write, isNewer) => this.#isHere(key, write, isNewer))) this.#missed = true
        this.#options.feed.change(this.#toChange(key, frame))
        return this.#settled(key, frame)
      case 'late':
        this.#outOfOrder.pass(key, frame)
        restore(key, stored, old as Buffer)
        return this.#settled(undefined, frame)
      case 'known':
        return this.#settled(undefined, frame)
      case 'zombie':
        return restore(key, stored, old as Buffer)
      case 'inverted':
        this.#outOfOrder.hold(key, frame)
        if (frame.session === session || frame.unheard) restamp(key, stored)
    }
  }

  /** The listener was told that a key is gone: collected as garbage, or taken away by somebody who is no grid. */
  gone(key: string, old: Buffer | null): void {
    const has = this.known.get(key)
    const frame = readFrame(old)
    if (has === undefined || (frame !== undefined && has.version > frame.version)) return
    if (frame !== undefined && frame.version > has.version) this.#missed = true
    if (this.isLive(has)) this.#options.feed.change(this.#toAbsent(key, frame?.version))
    else this.known.delete(key, frame?.version)
  }

  /** The first load. */
  first(entries: Iterable<readonly [string, Buffer]>): Promise<void> {
    return loadInParts(this.#options.feed, entries, ([key, stored]) => {
      const change = this.#toLoaded(key, stored, Infinity)
      // Nobody was told of anything before.
      this.#missed = false
      return change?.type === 'put' ? change : undefined
    })
  }

  /**
   * The present state was read: of the whole map, or of some keys (absent ones with null). What was learnt of a key after `since`
   * is newer than that. What was missed is told as a resync: between it and what was known there may have been more (I5).
   * `reason`: told in any case.
   */
  async reconcile(
    entries: Iterable<readonly [string, Buffer | null]>,
    { since, whole, reason }: { readonly since: number; readonly whole: boolean; readonly reason?: ResyncReason | undefined },
  ): Promise<void> {
    const changes: DriverChange[] = []
    const seen = new Set<string>()
    const add = (change: DriverChange | undefined): unknown => change !== undefined && changes.push(change)
    await inTurns(entries, ([key, stored]) => {
      seen.add(key)
      add(stored === null ? this.#toMissed(key, since) : this.#toLoaded(key, stored, since))
    })
    if (whole) await inTurns(this.known.entries(), ([key]) => add(seen.has(key) ? undefined : this.#toMissed(key, since)))
    // Of a large map, keys may have changed again since their turn.
    const current = changes.filter(({ type, key, version }) => {
      const now = this.known.get(key)?.version ?? (type === 'put' ? undefined : version)
      return now === version
    })
    if (reason !== undefined || current.length > 0 || this.#missed) this.#patch(current, reason ?? 'gap')
  }

  /** One resync for all that was missed since the last one: one for each would be dear where much is lost at once. */
  tellMissed(): void {
    if (this.#missed) this.#patch([], 'gap')
  }

  /** This number needs no waiting for any more. */
  done(session: string, number: number): void {
    this.#options.completeness.applied(session, number)
    if (session === this.#options.session) this.awaited.settle(number, undefined)
  }

  /** Of that session, all up to this number. */
  covered(session: string, number: number): void {
    this.#options.completeness.covered(session, number)
    if (session === this.#options.session) this.awaited.settleTo(number)
  }

  atMs(frame: Frame): number {
    return committedAtMs(frame, this.#options)
  }

  versionOf(key: string): number | undefined {
    return this.known.get(key)?.version
  }

  /** As the owner has it; undefined for what is removed or expired. */
  toRecord(key: string, stored: Buffer | null): DriverRecord | undefined {
    this.#options.lost.settled(key)
    return toRecord(key, stored, this.known.get(key), this.#options)
  }

  #toChange(key: string, frame: Frame, atMs: number = this.atMs(frame), heardAtMs: number = atMs): DriverChange {
    this.known.set(key, frame, atMs)
    this.#options.lost.settled(key)
    if (this.#foreign.size > 0) this.#foreign.delete(key)
    const write = frame.session === this.#options.session ? this.awaited.get(frame.number) : undefined
    return { type: frame.kind, key, version: frame.version, bytes: frame.bytes, atMs, heardAtMs, write }
  }

  #toForeign(key: string, stored: Buffer): DriverChange {
    const { clock, hybrid, foreign } = this.#options
    const [version, atMs] = [hybrid.next(), clock.now()]
    foreign(key)
    this.known.set(key, { version, session: '', number: 0, kind: 'put', ttlMs: undefined }, atMs)
    this.#foreign.set(key, stored)
    return { type: 'put', key, version, bytes: stored, atMs, write: undefined }
  }

  #toAbsent(key: string, version?: number): DriverChange {
    const { clock, hybrid } = this.#options
    this.known.delete(key, version)
    this.#foreign.delete(key)
    return { type: 'remove', key, version: hybrid.next(), bytes: NOTHING, atMs: clock.now(), write: undefined }
  }

  #toMissed(key: string, since: number): DriverChange | undefined {
    const has = this.known.get(key)
    if (has === undefined || has.seq > since) return undefined
    const live = this.isLive(has)
    if (live && has.ttlMs === undefined) this.#options.lost.note(key, has.version, this.#options.completeness.completeAtMs)
    if (live) return this.#toAbsent(key)
    this.known.delete(key)
    return undefined
  }

  #toLoaded(key: string, stored: Buffer, since: number): DriverChange | undefined {
    const has = this.known.get(key)
    // The usual case, without reading the rest.
    if (has !== undefined && hasVersion(stored, has.version) && this.isLive(has)) return undefined
    const frame = readFrame(stored)
    if (frame === undefined) {
      const same = (has?.seq ?? 0) > since || (this.#foreign.get(key)?.equals(stored) ?? false)
      return same ? undefined : this.#toForeign(key, stored)
    }
    this.#options.hybrid.see(frame.version)
    if (has === undefined && this.known.isGone(key, frame.version)) return undefined
    const atMs = has?.version === frame.version ? has.atMs : this.atMs(frame)
    const live = this.isLive({ ...frame, atMs })
    if (!live) this.#options.garbage(key, stored, frame)
    // The owner has an older version than this process has seen, also of what was lost: it was committed last all the same.
    const shown = has?.version ?? this.#options.lost.versionOf(key) ?? 0
    if (shown >= frame.version) {
      if (shown > frame.version && (has?.seq ?? 0) <= since) this.#options.restamp(key, stored)
      if (has !== undefined || shown > frame.version) return undefined
    }
    const wasLive = has !== undefined && this.isLive(has)
    if (live || wasLive) return this.#toChange(key, live ? frame : { ...frame, kind: 'remove' }, atMs, this.#heardAtMs(frame))
    // It came and went, unseen.
    this.#missed = true
    this.known.set(key, frame, atMs)
    return undefined
  }

  #patch(changes: readonly DriverChange[], reason: ResyncReason): void {
    this.#missed = false
    this.#options.feed.patch(changes, reason)
  }

  #isHere(key: string, write: Frame, isNewer: boolean): boolean {
    if (isNewer) return this.#outOfOrder.isPassed(key, write)
    return this.#options.completeness.isApplied(write.session, write.number) || this.#outOfOrder.isHeld(key, write)
  }

  /** Is it there, and its time not over? */
  isLive(known: Pick<Known, 'kind' | 'ttlMs' | 'atMs'>): boolean {
    return isLive(known, this.#options.clock.now())
  }

  // Of a writer that is gone nothing is known: then its source has not been heard here at all (I4).
  #heardAtMs(frame: Frame): number {
    const { session, earliest } = this.#options
    return frame.session === session ? frame.stampMs : (earliest(frame.session, frame.stampMs) ?? -Infinity)
  }

  // A version above all that were held back for the key has come: what they wrote is in the copy, or was replaced.
  #settled(key: string | undefined, frame: Frame): void {
    this.#applied(frame)
    if (key !== undefined) for (const each of this.#outOfOrder.settle(key)) this.#applied(each)
  }

  #applied(frame: Frame): void {
    const { completeness, session } = this.#options
    completeness.applied(frame.session, frame.number)
    if (frame.session === session) this.awaited.settle(frame.number, frame)
  }
}
