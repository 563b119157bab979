import { AgeWatches } from '../age/age-watches.ts'
import type { MapDriver } from '../driver.ts'
import type { Change, Entry } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import { FanOut } from '../feed/fan-out.ts'
import { caughtUp } from '../feed/caught-up.ts'
import type {
  AgeEvent,
  AgeOptions,
  CaughtUpOptions,
  CompareAndSetResult,
  GridMap,
  ReadOptions,
  Watch,
  WatchOptions,
  WriteOptions,
} from '../grid.ts'
import { NONE, signalOfClear, signalOfRead, signalOfUpdate } from './call-options.ts'
import { HotKeys } from './hot-keys.ts'
import type { MapContext } from './map-context.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { EqualMapIndex, SortedMapIndex } from './map-index.ts'
import type { EqualIndex, IndexChoice, IndexKey, IndexOptions, SortedIndex } from './map-index.ts'
import type { NearCache } from './near-cache.ts'
import { checkKey, checkListener, checkVersion, resolveAgeOptions, resolveIndexOptions, resolveWatchOptions } from '../options.ts'
import { checkSupported, Reader } from './reader.ts'
import { Replica } from './replica.ts'
import { Scope } from './scope.ts'
import { Staging } from './staging.ts'
import type { MapStats } from './stats.ts'
import { untilAborted } from '../time/until-aborted.ts'
import { Updating } from './updating.ts'
import { Writer, type RemoveOptions } from './writer.ts'

/** Where the backend has no deadline of its own. */
const DEADLINE_MS = 500

/** A map over any backend: reads come from the near cache, writes go to the backend and come back through its feed. */
export class ReplicatedMap<V> implements GridMap<V> {
  readonly name: string
  readonly options: ResolvedMapOptions<V>
  readonly staging: Staging<V>
  readonly #context: MapContext
  readonly #replica: Replica<V>
  readonly #near: NearCache<V>
  readonly #fanOut: FanOut<V>
  readonly #driver: MapDriver
  readonly #scope: Scope<V>
  readonly #reader: Reader<V>
  readonly #writer: Writer<V>
  readonly #updating: Updating<V>
  readonly #hotKeys = new HotKeys()
  readonly #ages: AgeWatches
  /** Reads counted up to the next sample, how many there are between the last and the next, and how many of these are left. */
  #reads = 1
  #stride = 1
  #left = 1
  #closed = false

  constructor(name: string, options: ResolvedMapOptions<V>, context: MapContext) {
    this.name = name
    this.options = options
    this.#context = context
    const { driver, guests } = context
    const { supports } = driver
    checkSupported(supports, options.consistency)
    this.#scope = new Scope(name, options, guests)
    if (!this.#scope.whole) checkSupported(supports, 'strong')
    const scope = this.#scope
    const telling = { tell: (change: Change<V>) => this.#tell(change), isHeard: () => this.#fanOut.isHeard }
    this.#replica = new Replica({ ...context, ...telling, map: name, scope, options })
    this.#near = this.#replica.near
    this.#fanOut = new FanOut(name, guests, this.#near)
    this.#driver = driver.openMap(name, this.#replica)
    const shared = { map: name, driver: this.#driver, supports, replica: this.#replica, scope }
    this.#reader = new Reader({ ...shared, consistency: options.consistency, ageMs: () => this.ageMs(), peek: (key) => this.peek(key) })
    this.#ages = new AgeWatches(this, this.#near.sources, context)
    const check = (key: string, signal: AbortSignal | undefined): void => this.#checkWrite(key, signal)
    const deadlineMs = driver.deadlineMs ?? DEADLINE_MS
    this.#writer = new Writer({ ...context, ...shared, deadlineMs, reader: this.#reader, options, check })
    this.#updating = new Updating({
      ...context,
      ...shared,
      deadlineMs,
      reader: this.#reader,
      writer: this.#writer,
      peek: (key) => this.peek(key),
    })
    this.staging = new Staging({ ...shared, writer: this.#writer, options })
  }

  get size(): number {
    this.#checkHeld('size')
    return this.#near.size
  }

  get stats(): MapStats {
    const { name } = this
    const [reads, hotKeys, coalescedWrites] = [this.#reads - this.#left, this.#hotKeys.top(), this.#writer.saved]
    return { name, entries: this.#near.size, reads, hotKeys, evictions: this.#replica.kept?.evictions ?? 0, coalescedWrites }
  }

  peek(key: string): Entry<V> | undefined {
    if (--this.#left === 0) this.#sample(key)
    // A bad key, an unreadable entry and a closed map can only miss, so the checks cost a hit nothing.
    return this.#near.peek(key) ?? this.#miss(key)
  }

  entries(): IterableIterator<Entry<V>> {
    this.#checkHeld('entries')
    return this.#near.entries()
  }

  async get(key: string, options: ReadOptions = NONE): Promise<Entry<V> | undefined> {
    const signal = signalOfRead('get', options)
    signal?.throwIfAborted()
    this.#checkOpen()
    return untilAborted(this.#reader.get(key, options), signal)
  }

  put(key: string, value: V, options: WriteOptions = NONE): Promise<Entry<V>> {
    return this.#writer.put(key, value, options)
  }

  async putAll(values: Iterable<readonly [key: string, value: V]>, options: WriteOptions = NONE): Promise<void> {
    // Of no pairs, too.
    this.#checkOpen()
    return this.#writer.putAll(values, options)
  }

  remove(key: string, options: RemoveOptions = NONE): Promise<boolean> {
    return this.#writer.remove(key, undefined, options)
  }

  async removeIf(key: string, expectedVersion: number, options: RemoveOptions = NONE): Promise<boolean> {
    return this.#writer.remove(key, checkVersion(expectedVersion), options)
  }

  async compareAndSet(key: string, expectedVersion: number, value: V, options: WriteOptions = NONE): Promise<CompareAndSetResult<V>> {
    return this.#writer.compareAndSet(key, checkVersion(expectedVersion), value, options)
  }

  async update(key: string, fn: (current: V | undefined) => V | undefined, options: WriteOptions = NONE): Promise<Entry<V> | undefined> {
    this.#checkWrite(key, signalOfUpdate(fn, options))
    return untilAborted(this.#updating.run(key, fn, options), options.signal)
  }

  async clear(options: Pick<WriteOptions, 'signal'> = NONE): Promise<void> {
    const signal = signalOfClear(options)
    signal?.throwIfAborted()
    this.#checkOpen()
    return this.#writer.clear(signal)
  }

  watch(listener: (change: Change<V>) => void, options: WatchOptions<V> = {}): Watch {
    this.#checkOpen()
    this.#scope.checkFollowing('watch')
    checkListener(listener)
    return this.#fanOut.watch(listener, resolveWatchOptions(options))
  }

  index<K extends IndexKey>(options: { readonly by: (value: V, key: string) => K | undefined }): EqualIndex<V, K>
  index(options: { readonly sortedBy: (value: V, key: string) => number | undefined }): SortedIndex<V>
  index(options: IndexChoice<V>): EqualIndex<V, IndexKey> | SortedIndex<V> {
    this.#checkOpen()
    this.#scope.checkFollowing('index')
    const { by, sortedBy } = resolveIndexOptions<V>(options)
    const index = sortedBy === undefined ? new EqualMapIndex(this.#indexing(by)) : new SortedMapIndex(this.#indexing(sortedBy))
    this.#near.addIndex(index)
    return index
  }

  ageMs(): number {
    this.#checkHeld('replica age')
    return this.#driver.ageMs(this.#context.clock.now())
  }

  async caughtUp(options: CaughtUpOptions = {}): Promise<void> {
    this.#checkOpen()
    if (this.#scope.nothing) return
    await caughtUp(this.name, this.#driver, this.#context.clock, options)
  }

  sourceAgeMs(key: string): number {
    this.#checkHeld('source ages')
    this.#scope.checkSource(checkKey(key))
    const nowMs = this.#context.clock.now()
    return this.#near.sources.ageMs(key, nowMs) + this.#driver.ageMs(nowMs)
  }

  onAge(options: AgeOptions, listener: (event: AgeEvent, ageMs: number) => void): Watch {
    this.#checkHeld('ages')
    checkListener(listener)
    const resolved = resolveAgeOptions(options)
    if (resolved.source !== undefined) this.#scope.checkSource(resolved.source)
    return this.#ages.watch(resolved, listener)
  }

  close(): void {
    this.#writer.flush()
    this.#closed = true
    this.#ages.close()
    this.#fanOut.close()
    this.#driver.close()
    this.#near.clear()
  }

  #tell(change: Change<V>): void {
    if (change.type === 'expire') this.#driver.expired(change.key, change.version)
    if (change.type === 'resync') this.#reader.reset()
    this.#fanOut.tell(change)
  }

  #sample(key: string): void {
    // The next read of a map that holds nothing comes here, too: each is refused, and other maps pay nothing for it.
    if (this.#scope.nothing) this.#left = 1
    this.#checkHeld('peek')
    this.#stride = this.#hotKeys.sample(key, this.#stride)
    this.#left = this.#stride
    this.#reads += this.#stride
  }

  #miss(key: string): undefined {
    this.#checkOpen()
    this.#replica.checkReadable(checkKey(key))
    return undefined
  }

  #indexing<K>(key: (value: V, key: string) => K | undefined): IndexOptions<V, K> {
    const onError = (error: unknown): void => this.#context.guests.listenerError(this.name, error)
    const near = this.#near
    const [isPresent, checkOpen] = [(entry: Entry<V>) => near.isPresent(entry), () => this.#checkOpen()]
    return { key, isPresent, checkOpen, onError, onClose: (index) => near.removeIndex(index) }
  }

  #checkWrite(key: string, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    this.#checkOpen()
    this.#replica.checkReadable(checkKey(key))
  }

  #checkHeld(what: string): void {
    this.#checkOpen()
    this.#scope.checkHeld(what)
  }

  #checkOpen(): void {
    if (this.#closed) throw new GridError('CLOSED', `map ${quote(this.name)}: its grid was closed`)
  }
}
