import type { Client, IMap } from 'hazelcast-client'
import type { CommitResult, DriverFeed, DriverPut, DriverRecord, DriverWrite, MapDriver } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import { Changes } from './changes.ts'
import { Completeness, type Claim } from './completeness.ts'
import { Copy } from './copy.ts'
import { restamp } from './frame.ts'
import { Garbage } from './garbage.ts'
import { Guard } from './guard.ts'
import type { Mark } from './marks.ts'
import { OwnWrites, type Announcement } from './own-writes.ts'
import { LostKeys } from './lost-keys.ts'
import { OwnerReads } from './owner-reads.ts'
import type { PulseMap } from './pulse.ts'
import { Ready } from './ready.ts'
import { Repairs } from './repairs.ts'
import type { HazelcastMapContext } from './map-context.ts'
import { Waiters } from './waiters.ts'
import { Writes } from './writes.ts'

/** One map on the cluster: the writes, the copy, and the proof of its age, put together. */
export class HazelcastMap implements MapDriver, PulseMap {
  readonly name: string
  readonly mark: Mark
  readonly #context: HazelcastMapContext
  readonly #own = new OwnWrites()
  readonly #completeness: Completeness
  readonly #changes: Changes
  readonly #copy: Copy
  readonly #writes: Writes
  readonly #reads: OwnerReads
  readonly #lost: LostKeys
  readonly #repairs: Repairs
  readonly #garbage: Garbage
  readonly #guard: Guard
  readonly #waiters: Waiters
  readonly #whenReady: Ready<IMap<string, Buffer>>
  #ready = false
  #closed = false

  constructor(name: string, imap: string, feed: DriverFeed, context: HazelcastMapContext) {
    this.name = name
    this.#context = context
    const { session, clock, hybrid, options, pulse, marks, codec } = context
    this.#guard = new Guard({ map: name, schemaVersion: feed.schemaVersion ?? Infinity, marks, codec })
    this.mark = marks.of(name)
    const realClock = options.clock
    this.#whenReady = new Ready(realClock, () => this.#find())
    this.#completeness = new Completeness(options.gapMs)
    this.#waiters = new Waiters(name, () => this.#completeness.completeAtMs)
    this.#garbage = new Garbage({ realClock, tombstoneMs: options.tombstoneMs, imap: () => this.#copy.imap })
    this.#lost = new LostKeys(realClock, options.tombstoneMs)
    this.#changes = new Changes({
      session,
      clock,
      hybrid,
      feed,
      completeness: this.#completeness,
      latest: (of, stampMs) => pulse.peers.latest(of, stampMs),
      earliest: (of, stampMs) => pulse.peers.earliest(of, stampMs),
      restamp: (key, stored) => this.#replace(key, stored, restamp(stored, hybrid.next())),
      restore: (key, zombie, replaced) => this.#replace(key, zombie, restamp(replaced, hybrid.next())),
      foreign: (key) => this.#guard.foreign(key),
      garbage: (key, stored, frame) => this.#garbage.found(key, stored, frame),
      lost: this.#lost,
    })
    this.#copy = new Copy({
      imap,
      clock: realClock,
      sweepMs: options.sweepMs,
      changes: this.#changes,
      lost: this.#lost,
      completeness: this.#completeness,
      ended: () => this.#ended(),
      echo: () => pulse.echo,
      onReady: () => this.#becomeReady(),
      onDeaf: () => context.link.isUp && void this.attach(context.link.client),
    })
    const ready = (): IMap<string, Buffer> | Promise<IMap<string, Buffer>> => this.#imap()
    this.#reads = new OwnerReads({ map: name, hybrid, copy: this.#changes, lost: this.#lost, ready })
    this.#writes = new Writes({
      map: name,
      session,
      clock,
      realClock,
      hybrid,
      deadlineMs: options.deadlineMs,
      copy: this.#changes,
      own: this.#own,
      beat: () => pulse.next,
      ready,
      garbage: this.#garbage,
      guard: this.#guard,
      inFlight: context.inFlight,
      client: () => context.link.client,
    })
    this.#repairs = new Repairs({ session, own: this.#own, changes: this.#changes, completeness: this.#completeness, copy: this.#copy })
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

  lost(key: string): boolean {
    return this.#lost.versionOf(key) !== undefined
  }

  clear(removal: (key: string) => DriverWrite, signal?: AbortSignal): Promise<void> {
    return this.#writes.clear(this.#reads, removal, signal)
  }

  // The member forgets it by itself, or it is collected as garbage.
  expired(): void {}

  ageMs(): number {
    return this.#context.options.clock.now() - this.#completeness.completeAtMs
  }

  caughtUp(signal?: AbortSignal): Promise<void> {
    return this.#waiters.until(this.#context.options.clock.now(), signal)
  }

  close(): void {
    this.#closed = true
    this.#context.pulse.remove(this)
    this.#copy.detach()
    this.#changes.awaited.close(new GridError('CLOSED', `map ${quote(this.name)}: its grid was closed`))
    this.#garbage.close()
    this.#waiters.close()
    this.#whenReady.wake()
  }

  /** There is a connection: listen and load, again and again until that works or the connection is gone. */
  async attach(client: Client): Promise<void> {
    const { link, options } = this.#context
    while (!this.#closed && link.isUp && link.client === client) {
      try {
        return await this.#copy.attach(client)
      } catch {
        await new Promise<void>((resolve) => options.clock.setTimeout(resolve, 50))
      }
    }
  }

  detach(): void {
    // There may be no connection for long.
    this.#changes.tellMissed()
    this.#copy.detach()
  }

  membersChanged(): void {
    this.#copy.membersChanged()
  }

  announce(): Announcement | undefined {
    if (this.#own.issued === 0) return undefined
    const said = this.#own.announce()
    return this.#context.announce?.(said) ?? said
  }

  heard(session: string, said: Announcement | undefined, claim: Omit<Claim, 'n'>): void {
    for (const number of said?.voids ?? []) this.#changes.done(session, number)
    if (said !== undefined) this.#repairs.named(session, said)
    this.#completeness.claim(session, { ...claim, n: said?.n ?? 0 })
    this.#waiters.wake()
  }

  asked(numbers: readonly number[], beat: number): void {
    this.#own.asked(numbers, beat)
  }

  heardByAll(beat: number): void {
    this.#own.heard(beat)
  }

  tick(nowMs: number): ReadonlyMap<string, readonly number[]> {
    this.#copy.tick(nowMs)
    if (!this.#copy.owesResync) this.#changes.tellMissed()
    this.#garbage.tick(nowMs)
    this.#waiters.wake()
    return this.#repairs.tick(nowMs)
  }

  ended(session: string, how: 'closed' | 'silent'): void {
    this.#repairs.ended(session, how)
  }

  *#ended(): Iterable<readonly [session: string, number: number]> {
    const { session, pulse } = this.#context
    yield [session, this.#own.ended]
    for (const peer of pulse.peers.all) {
      if (peer.session !== session) yield [peer.session, peer.beat?.maps.get(this.name)?.ended ?? 0]
    }
  }

  #imap(): IMap<string, Buffer> | Promise<IMap<string, Buffer>> {
    return this.#whenReady.get(this.#guard.prepared(this.#context.joined()))
  }

  #find(): IMap<string, Buffer> | undefined {
    if (this.#closed) throw new GridError('CLOSED', `map ${quote(this.name)}: its grid was closed`)
    const { imap } = this.#copy
    if (this.#ready && imap !== undefined) return imap
    // Throws if there is no connection.
    void this.#context.link.client
    return undefined
  }

  #becomeReady(): void {
    this.#ready = true
    this.#whenReady.wake()
  }

  // Whoever does it first does it for all. Where it fails, the next sweep finds it again.
  #replace(key: string, stored: Buffer, by: Buffer): void {
    void this.#copy.imap?.replaceIfSame(key, stored, by).catch(() => {})
  }
}
