import { checkRemove, checkWrite, NONE, pairsOf } from './call-options.ts'
import { caughtUp } from '../feed/caught-up.ts'
import { Coalescer } from './coalescer.ts'
import type { Clock } from '../time/clock.ts'
import type { Codec } from './codec.ts'
import type { CommitResult, DriverSupports, DriverWrite, MapDriver, WriteId } from '../driver.ts'
import type { Entry, SourceStamp } from './entry.ts'
import { GridError, quote, tooLarge } from '../errors.ts'
import type { CompareAndSetResult, WriteOptions } from '../grid.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import { inBatches } from './in-batches.ts'
import { LocalPut, LocalRemove } from './local-write.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { Merging } from './merging.ts'
import { checkSource, checkTtlMs } from '../options.ts'
import type { Reader } from './reader.ts'
import { checkSupported } from './reader.ts'
import type { Replica } from './replica.ts'
import type { Scope } from './scope.ts'
import { seal } from './seal.ts'
import { boundBytes } from './size-bound.ts'
import { copyTrace, type TraceContext, type TraceSlot } from './trace.ts'
import { untilAborted } from '../time/until-aborted.ts'

export type RemoveOptions = Pick<WriteOptions, 'trace' | 'signal'>

export interface WriterOptions<V> {
  readonly map: string
  readonly id: string
  /** This opening of the grid. */
  readonly session: string
  readonly clock: Clock
  /** How long an operation of the backend may take, in milliseconds. */
  readonly deadlineMs: number
  readonly hybrid: HybridClock
  readonly codec: Codec
  readonly trace: TraceSlot
  readonly driver: MapDriver
  readonly supports: DriverSupports
  readonly replica: Replica<V>
  readonly reader: Reader<V>
  readonly scope: Scope<V>
  readonly options: ResolvedMapOptions<V>
  /** Throws where the key cannot be written by this process. */
  readonly check: (key: string, signal: AbortSignal | undefined) => void
}

/** What writes of one map go through: checked and packed before the first byte leaves, then committed by the backend. */
export class Writer<V> {
  readonly #options: WriterOptions<V>
  readonly #coalescer: Coalescer<V> | undefined
  readonly #merging: Merging<V> | undefined
  #number = 0
  #loading: Promise<void> | undefined

  constructor(options: WriterOptions<V>) {
    this.#options = options
    const { merge, coalesceWrites } = options.options
    const commit = (write: DriverWrite): Promise<CommitResult> => this.#commit(write)
    this.#merging = merge === undefined ? undefined : new Merging({ ...options, merge, commit })
    this.#coalescer = coalesceWrites ? new Coalescer((write) => this.#put(write)) : undefined
  }

  /** Puts that did not have to be committed (`coalesceWrites`). */
  get saved(): number {
    return this.#coalescer?.saved ?? 0
  }

  /** Of all calls this is the one that is made most: it makes no more promises than it has to. */
  put(key: string, value: V, options: WriteOptions): Promise<Entry<V>> {
    try {
      checkWrite('put', options)
      const write = this.#prepare(key, value, undefined, options)
      const { source, signal } = options
      const loading = source === undefined ? undefined : this.#loadingFor(source)
      if (loading !== undefined) return untilAborted(this.#putAfter(loading, write, source), signal)
      const made = this.#coalescer === undefined ? this.#put(write) : this.#coalescer.put(write, source !== undefined)
      return untilAborted(made, signal)
    } catch (error) {
      return Promise.reject(error as GridError)
    }
  }

  async putAll(values: Iterable<readonly [key: string, value: V]>, options: WriteOptions): Promise<void> {
    checkWrite('putAll', options)
    const writes = pairsOf(values).map(([key, value]) => this.#prepare(key, value, undefined, options))
    const loading = this.#loadingFor(options.source)
    if (loading !== undefined) {
      await untilAborted(loading, options.signal)
      for (const { key } of writes) this.#checkSource(key, options.source)
    }
    for (const { key } of writes) this.flush(key)
    const merging = this.#merging
    const made =
      merging === undefined
        ? this.#options.driver.commitAll(writes, options.signal)
        : inBatches(writes, { ...this.#options, signal: options.signal }, (batch) => Promise.all(batch.map((write) => merging.put(write))))
    await untilAborted(made, options.signal)
  }

  async compareAndSet(key: string, expect: number, value: V, options: WriteOptions): Promise<CompareAndSetResult<V>> {
    checkWrite('compareAndSet', options)
    const write = this.#prepare(key, value, expect, options)
    const loading = this.#loadingFor(options.source)
    if (loading !== undefined) {
      await untilAborted(loading, options.signal)
      this.#checkSource(key, options.source)
    }
    this.flush(key)
    const result = await untilAborted(this.#commit(write), options.signal)
    if (result.ok) return { ok: true, entry: write.entry(result.version, result.atMs) }
    const current = result.current === undefined ? undefined : this.#options.replica.read(result.current)
    this.#options.reader.shown(key, current)
    return { ok: false, current }
  }

  async remove(key: string, expect: number | undefined, options: RemoveOptions): Promise<boolean> {
    checkRemove('remove', options)
    const write = this.removal(key, expect, options)
    this.flush(key)
    if (expect === undefined && this.#merging !== undefined) return untilAborted(this.#merging.remove(write), options.signal)
    return (await untilAborted(this.#commit(write), options.signal)).ok
  }

  async clear(signal: AbortSignal | undefined): Promise<void> {
    this.flush()
    await untilAborted(
      this.#options.driver.clear((key) => this.removal(key, undefined, NONE), signal),
      signal,
    )
  }

  removal(key: string, expect: number | undefined, options: RemoveOptions): LocalRemove {
    const { check, id, codec } = this.#options
    check(key, options.signal)
    const stamps = this.#merging === undefined ? undefined : this.#merging.stamp()
    return new LocalRemove({ id: this.#nextId(), key, writer: id, expect, stamps, trace: this.#trace(options.trace) }, codec)
  }

  /** A put that somebody else commits. */
  prepared(key: string, value: V, expect: number | undefined, options: WriteOptions): LocalPut<V> {
    return this.#prepare(key, value, expect, options)
  }

  /** Begins what still waits to be coalesced (all, or of one key): the next write comes after it. */
  flush(key?: string): void {
    if (key === undefined) this.#coalescer?.flushAll()
    else this.#coalescer?.flush(key)
  }

  #put(write: LocalPut<V>): Promise<Entry<V>> {
    if (this.#merging !== undefined) return this.#merging.put(write)
    const { driver, replica } = this.#options
    if (driver.put !== undefined && replica.kept === undefined && !write.strong) return driver.put(write)
    return this.#commit(write).then((result) => {
      if (result.ok) return write.entry(result.version, result.atMs)
      throw new GridError('UNSUPPORTED', `the backend refused an unconditional write of ${quote(write.key)}`)
    })
  }

  #commit(write: DriverWrite): Promise<CommitResult> {
    const { driver, replica } = this.#options
    return replica.kept === undefined ? driver.commit(write) : this.#commitAndKeep(write)
  }

  // A bounded copy keeps what is written here: the change is let in as it comes by.
  async #commitAndKeep(write: DriverWrite): Promise<CommitResult> {
    const { driver, replica } = this.#options
    replica.reading.begin(write.key)
    try {
      return await driver.commit(write)
    } finally {
      replica.reading.end(write.key)
    }
  }

  #prepare(key: string, value: V, expect: number | undefined, options: WriteOptions): LocalPut<V> {
    const { check, id, codec, supports } = this.#options
    check(key, options.signal)
    if (options.consistency !== undefined) checkSupported(supports, options.consistency, 'write')
    const source = this.#source(key, options.source)
    const { schemaVersion, maxValueBytes } = this.#options.options
    const ttlMs = options.ttlMs === undefined ? this.#options.options.ttlMs : checkTtlMs(options.ttlMs)
    const sealed = seal(value)
    const stamps = this.#merging?.stamp(sealed.value)
    const trace = this.#trace(options.trace)
    const strong = options.consistency === 'strong'
    const write = new LocalPut<V>(
      { id: this.#nextId(), key, writer: id, expect, ttlMs, source, trace, sealed, stamps, schemaVersion, strong },
      codec,
    )
    // What is coalesced away need not be packed.
    const surelySmall = this.#coalescer !== undefined && boundBytes(sealed.value) <= maxValueBytes
    if (surelySmall || write.bytes <= maxValueBytes) return write
    throw tooLarge(`the value of ${quote(key)}`, write.bytes, maxValueBytes)
  }

  #source(key: string, given: SourceStamp | undefined): SourceStamp | undefined {
    const source = checkSource(given)
    if (source === undefined) return undefined
    this.#options.scope.checkSource(key)
    this.#checkSource(key, source)
    return source
  }

  #checkSource(key: string, source: SourceStamp | undefined): void {
    const { map, replica, id } = this.#options
    if (source !== undefined) replica.near.sources.check(map, key, source, id)
  }

  // Whose epoch it is says the copy, once it is loaded (I4). Until the first of those who wait has gone on, the others come after it.
  #loadingFor(source: SourceStamp | undefined): Promise<void> | undefined {
    if (source === undefined || (this.#options.replica.loaded && this.#loading === undefined)) return undefined
    const { map, driver, clock, deadlineMs } = this.#options
    this.#loading ??= caughtUp(map, driver, clock, { deadlineMs }).finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #putAfter(loading: Promise<void>, write: LocalPut<V>, source: SourceStamp | undefined): Promise<Entry<V>> {
    await loading
    this.#checkSource(write.key, source)
    return this.#coalescer === undefined ? this.#put(write) : this.#coalescer.put(write, true)
  }

  #nextId(): WriteId {
    return { session: this.#options.session, number: ++this.#number }
  }

  #trace(given: TraceContext | undefined): TraceContext | undefined {
    const trace = given ?? this.#options.trace.current
    return trace === undefined || Object.isFrozen(trace) ? trace : copyTrace(trace)
  }
}
