import type { Client, IMap } from 'hazelcast-client'
import type { CommitResult, DriverFeed, DriverPut, DriverRecord, DriverWrite, MapDriver } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import { readFrame } from './frame.ts'
import { Garbage } from './garbage.ts'
import { LostKeys } from './lost-keys.ts'
import { Guard } from './guard.ts'
import type { Mark } from './marks.ts'
import type { HazelcastMapContext } from './map-context.ts'
import type { OwnCopy } from './own-copy.ts'
import { OwnerReads } from './owner-reads.ts'
import { OwnWrites, type Announcement } from './own-writes.ts'
import type { PulseMap } from './pulse.ts'
import { Ready } from './ready.ts'
import { SeenVersions } from './seen-versions.ts'
import { committedAtMs, isLasting, toRecord, type StampClocks } from './stored-record.ts'
import { Writes } from './writes.ts'

const NOTHING_ASKED: ReadonlyMap<string, readonly number[]> = new Map()

/**
 * One map on the cluster of which this process holds nothing: no listener, so that no event comes back for a write, and no proofs of an
 * age. Its writes are numbered and told in beats as any other's: the copies of other processes are as complete, and as honest, as ever
 * (I4). Reads are the owner's, and do not step back of what was read or written here.
 */
export class UnheldMap implements MapDriver, PulseMap, OwnCopy {
  readonly name: string
  readonly mark: Mark
  readonly awaited: undefined
  readonly #imapName: string
  readonly #context: HazelcastMapContext
  readonly #clocks: StampClocks
  readonly #own = new OwnWrites()
  readonly #seen: SeenVersions
  readonly #writes: Writes
  readonly #reads: OwnerReads
  readonly #garbage: Garbage
  readonly #lost: LostKeys
  readonly #guard: Guard
  readonly #whenReady: Ready<IMap<string, Buffer>>
  #imap: IMap<string, Buffer> | undefined
  #closed = false

  constructor(name: string, imapName: string, feed: Pick<DriverFeed, 'schemaVersion'>, context: HazelcastMapContext) {
    this.name = name
    this.#imapName = imapName
    this.#context = context
    const { session, clock, hybrid, options, pulse, link, inFlight, marks, codec } = context
    const guard = new Guard({ map: name, schemaVersion: feed.schemaVersion ?? Infinity, marks, codec })
    this.#guard = guard
    this.mark = marks.of(name)
    this.#clocks = { session, clock, latest: (of, stampMs) => pulse.peers.latest(of, stampMs) }
    const { clock: realClock, deadlineMs, tombstoneMs } = options
    const ready = (): IMap<string, Buffer> | Promise<IMap<string, Buffer>> => this.#whenReady.get(guard.prepared(context.joined()))
    const shared = { map: name, hybrid, copy: this, ready }
    this.#seen = new SeenVersions(realClock)
    this.#lost = new LostKeys(realClock, tombstoneMs)
    this.#whenReady = new Ready(realClock, () => this.#find())
    this.#garbage = new Garbage({ realClock, tombstoneMs, imap: () => this.#imap })
    this.#reads = new OwnerReads({ ...shared, lost: this.#lost })
    this.#writes = new Writes({
      ...shared,
      session,
      clock,
      realClock,
      deadlineMs,
      own: this.#own,
      beat: () => pulse.next,
      garbage: this.#garbage,
      guard,
      inFlight,
      client: () => link.client,
    })
  }

  commit(write: DriverWrite): Promise<CommitResult> {
    return this.#writes.commit(write)
  }

  put<E>(write: DriverPut<E>): Promise<E> {
    return this.#writes.put(write)
  }

  commitAll(writes: readonly DriverWrite[], signal?: AbortSignal): Promise<void> {
    return this.#writes.commitAll(writes, 'putAll', signal)
  }

  read(key: string, shown = 0, orLost = false): Promise<DriverRecord | undefined> {
    // What was put here before is read.
    this.#writes.flush(key)
    return this.#reads.read(key, shown, orLost)
  }

  clear(removal: (key: string) => DriverWrite, signal?: AbortSignal): Promise<void> {
    return this.#writes.clear(this.#reads, removal, signal)
  }

  expired(): void {}

  /** There is no copy that could be complete. */
  ageMs(): number {
    return Infinity
  }

  close(): void {
    this.#closed = true
    this.#context.pulse.remove(this)
    this.#garbage.close()
    this.detach()
    this.#whenReady.wake()
  }

  versionOf(key: string): number | undefined {
    return this.#seen.get(key)?.version
  }

  toRecord(key: string, stored: Buffer | null): DriverRecord | undefined {
    const frame = readFrame(stored)
    this.#lost.settled(key)
    if (frame === undefined && stored !== null) this.#guard.foreign(key)
    if (frame !== undefined) this.#seen.see(key, frame.version, committedAtMs(frame, this.#clocks), isLasting(frame))
    else if (stored === null) this.#seen.missing(key)
    return toRecord(key, stored, this.#seen.get(key), this.#clocks)
  }

  made(key: string, version: number, atMs: number, lasts: boolean): void {
    this.#seen.see(key, version, atMs, lasts)
  }

  missing(key: string): void {
    const seen = this.#seen.get(key)
    if (seen?.lasts === true) this.#lost.note(key, seen.version, seen.shownAtMs)
  }

  done(): void {}

  /** There is a connection: writes need nothing else. */
  async attach(client: Client): Promise<void> {
    const { link, options } = this.#context
    while (!this.#closed && link.isUp && link.client === client) {
      try {
        this.#imap = await client.getMap<string, Buffer>(this.#imapName)
        return this.#whenReady.wake()
      } catch {
        await new Promise<void>((resolve) => options.clock.setTimeout(resolve, 50))
      }
    }
  }

  detach(): void {
    this.#imap = undefined
  }

  /** Partitions move: nothing here depends on where they are. */
  membersChanged(): void {}

  announce(): Announcement | undefined {
    if (this.#own.issued === 0) return undefined
    const said = this.#own.announce()
    return this.#context.announce?.(said) ?? said
  }

  heard(): void {}

  asked(numbers: readonly number[], beat: number): void {
    this.#own.asked(numbers, beat)
  }

  heardByAll(beat: number): void {
    this.#own.heard(beat)
  }

  tick(nowMs: number): ReadonlyMap<string, readonly number[]> {
    this.#garbage.tick(nowMs)
    return NOTHING_ASKED
  }

  ended(): void {}

  #find(): IMap<string, Buffer> | undefined {
    if (this.#closed) throw new GridError('CLOSED', `map ${quote(this.name)}: its grid was closed`)
    // Throws if there is no connection.
    void this.#context.link.client
    return this.#imap
  }
}
