import type { Clock } from './clock.ts'
import type { Codec } from './codec.ts'
import type { DriverSupports, GridDriver, MapDriver } from './driver.ts'
import type { Change, Entry } from './entry.ts'
import { GridError, quote } from './errors.ts'
import { FanOut } from './fan-out.ts'
import type { CompareAndSetResult, GridMap, ReadOptions, Watch, WatchOptions, WriteOptions } from './grid.ts'
import type { Guests } from './guests.ts'
import { LocalPut, LocalRemove } from './local-write.ts'
import type { NearCache } from './near-cache.ts'
import { checkConsistency, checkKey, checkMaxAgeMs, checkSource, checkTtlMs, checkVersion, resolveWatchOptions } from './options.ts'
import type { ResolvedMapOptions } from './options.ts'
import { Replica } from './replica.ts'
import { seal } from './seal.ts'
import type { TraceContext, TraceSlot } from './trace.ts'

/** What a map shares with the other maps of its grid. */
export interface MapContext {
  readonly id: string
  readonly clock: Clock
  readonly codec: Codec
  readonly guests: Guests
  readonly trace: TraceSlot
  readonly driver: GridDriver
}

type RemoveOptions = Pick<WriteOptions, 'trace' | 'signal'>

/** A map over any backend: reads come from the near cache, writes go to the backend and come back through its feed. */
export class ReplicatedMap<V> implements GridMap<V> {
  readonly name: string
  readonly options: ResolvedMapOptions<V>
  readonly #context: MapContext
  readonly #replica: Replica<V>
  readonly #near: NearCache<V>
  readonly #fanOut: FanOut<V>
  readonly #driver: MapDriver
  readonly #supports: DriverSupports
  #closed = false

  constructor(name: string, options: ResolvedMapOptions<V>, context: MapContext) {
    this.name = name
    this.options = options
    this.#context = context
    const { codec, clock, guests, driver } = context
    this.#replica = new Replica({ map: name, codec, clock, options, tell: (change) => this.#tell(change) })
    this.#near = this.#replica.near
    this.#fanOut = new FanOut(name, guests, this.#near)
    this.#supports = driver.supports
    this.#driver = driver.openMap(name, this.#replica)
  }

  get size(): number {
    this.#checkOpen()
    return this.#near.size
  }

  peek(key: string): Entry<V> | undefined {
    // A bad key, an unreadable entry and a closed map can only miss, so the checks cost a hit nothing.
    return this.#near.peek(key) ?? this.#miss(key)
  }

  entries(): IterableIterator<Entry<V>> {
    this.#checkOpen()
    return this.#near.entries()
  }

  async get(key: string, { consistency = 'eventual', maxAgeMs = Infinity, signal }: ReadOptions = {}): Promise<Entry<V> | undefined> {
    signal?.throwIfAborted()
    this.#checkOpen()
    checkKey(key)
    checkMaxAgeMs(maxAgeMs)
    const strong = this.#supports.consistency.has('strong')
    if (!this.#supports.consistency.has(checkConsistency(consistency))) {
      throw new GridError(
        'UNSUPPORTED',
        `this backend gives no ${quote(consistency)} read: it gives ${[...this.#supports.consistency].join(', ')}`,
      )
    }
    const tooOld = this.ageMs() > maxAgeMs
    if (tooOld && !strong) {
      throw new GridError('TOO_OLD', `the copy of map ${quote(this.name)} is up to ${this.ageMs()} ms old; maxAgeMs is ${maxAgeMs}`)
    }
    if (consistency !== 'strong' && !tooOld) return this.peek(key)
    const record = await this.#driver.read(key)
    return record === undefined ? undefined : this.#replica.read(record)
  }

  async put(key: string, value: V, options: WriteOptions = {}): Promise<Entry<V>> {
    const write = this.#prepare(key, value, undefined, options)
    const result = await this.#driver.commit(write)
    if (!result.ok) throw new GridError('UNSUPPORTED', `the backend refused an unconditional write of ${quote(key)}`)
    return write.entry(result.version, result.atMs)
  }

  async putAll(values: Iterable<readonly [key: string, value: V]>, options: WriteOptions = {}): Promise<void> {
    const writes = Array.from(values, ([key, value]) => this.#prepare(key, value, undefined, options))
    await this.#driver.commitAll(writes)
  }

  async remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#remove(key, undefined, options)
  }

  async removeIf(key: string, expectedVersion: number, options: RemoveOptions = {}): Promise<boolean> {
    return this.#remove(key, checkVersion(expectedVersion), options)
  }

  async compareAndSet(key: string, expectedVersion: number, value: V, options: WriteOptions = {}): Promise<CompareAndSetResult<V>> {
    return this.#compareAndSet(key, checkVersion(expectedVersion), value, options)
  }

  async update(key: string, fn: (current: V | undefined) => V | undefined, options: WriteOptions = {}): Promise<Entry<V> | undefined> {
    this.#checkWrite(key, options.signal)
    // The near cache is the first guess; when it was wrong, the owner says what is there.
    let current = this.peek(key)
    for (;;) {
      const value: unknown = fn(current?.value)
      if (value === undefined) return current
      if (value instanceof Promise) throw promiseRefused(value)
      const result = await this.#compareAndSet(key, current?.version ?? 0, value as V, options)
      if (result.ok) return result.entry
      current = result.current
    }
  }

  async clear(): Promise<void> {
    this.#checkOpen()
    await this.#driver.clear((key) => this.#removal(key, undefined, {}))
  }

  watch(listener: (change: Change<V>) => void, options: WatchOptions<V> = {}): Watch {
    this.#checkOpen()
    if (typeof listener !== 'function') throw new GridError('BAD_OPTION', `listener is ${quote(listener)}: give a function`)
    return this.#fanOut.watch(listener, resolveWatchOptions(options))
  }

  ageMs(): number {
    this.#checkOpen()
    return this.#driver.ageMs(this.#context.clock.now())
  }

  sourceAgeMs(key: string): number {
    this.#checkOpen()
    const nowMs = this.#context.clock.now()
    return this.#near.sources.ageMs(checkKey(key), nowMs) + this.#driver.ageMs(nowMs)
  }

  close(): void {
    this.#closed = true
    this.#fanOut.close()
    this.#driver.close()
    this.#near.clear()
  }

  #tell(change: Change<V>): void {
    if (change.type === 'expire') this.#driver.expired(change.key, change.version)
    this.#fanOut.tell(change)
  }

  #miss(key: string): undefined {
    this.#checkOpen()
    this.#replica.checkReadable(checkKey(key))
    return undefined
  }

  async #compareAndSet(key: string, expect: number, value: V, options: WriteOptions): Promise<CompareAndSetResult<V>> {
    const write = this.#prepare(key, value, expect, options)
    const result = await this.#driver.commit(write)
    if (result.ok) return { ok: true, entry: write.entry(result.version, result.atMs) }
    return { ok: false, current: result.current === undefined ? undefined : this.#replica.read(result.current) }
  }

  async #remove(key: string, expect: number | undefined, options: RemoveOptions): Promise<boolean> {
    const result = await this.#driver.commit(this.#removal(key, expect, options))
    return result.ok
  }

  #prepare(key: string, value: V, expect: number | undefined, options: WriteOptions): LocalPut<V> {
    this.#checkWrite(key, options.signal)
    const { id, codec } = this.#context
    const source = checkSource(options.source)
    if (source !== undefined) this.#near.sources.check(this.name, key, source, id)
    const ttlMs = options.ttlMs === undefined ? this.options.ttlMs : checkTtlMs(options.ttlMs)
    const { schemaVersion } = this.options
    return new LocalPut(
      { key, writer: id, expect, ttlMs, source, trace: this.#trace(options.trace), sealed: seal(value), schemaVersion },
      codec,
    )
  }

  #removal(key: string, expect: number | undefined, options: RemoveOptions): LocalRemove {
    this.#checkWrite(key, options.signal)
    return new LocalRemove({ key, writer: this.#context.id, expect, trace: this.#trace(options.trace) }, this.#context.codec)
  }

  #checkWrite(key: string, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    this.#checkOpen()
    this.#replica.checkReadable(checkKey(key))
  }

  #checkOpen(): void {
    if (this.#closed) throw new GridError('CLOSED', `map ${quote(this.name)}: its grid was closed`)
  }

  #trace(given: TraceContext | undefined): TraceContext | undefined {
    const trace = given ?? this.#context.trace.current
    return trace === undefined || Object.isFrozen(trace) ? trace : Object.freeze({ ...trace })
  }
}

function promiseRefused(promise: Promise<unknown>): GridError {
  // Its own failure is of no interest any more, and must not end the process.
  promise.catch(() => {})
  return new GridError('BAD_VALUE', 'update: the function returned a promise. It may run again, so it must return the value itself')
}
