import type { Clock } from './time/clock.ts'
import type { DriverSupports } from './driver.ts'
import type { Change, Entry, SourceStamp } from './map/entry.ts'
import type { GridHooks } from './hooks.ts'
import type { EqualIndex, IndexKey, SortedIndex } from './map/map-index.ts'
import type { GridStats } from './map/stats.ts'
import type { Topic } from './feed/topic.ts'
import type { TraceContext, TraceSlot } from './map/trace.ts'

/** What an operation may rely on; the table of guarantees per backend is in docs/consistency.md. */
export type Consistency = 'eventual' | 'session' | 'strong'

export interface MapOptions<V> {
  /** Default time to live of this map's entries in milliseconds. @default none: entries live until removed */
  readonly ttlMs?: number
  /** Version of the value's schema written by this process. @default 1 */
  readonly schemaVersion?: number
  /** Upgrades a value stored with an older schema version. Without it an older version is refused (I9). */
  readonly upgrade?: (value: unknown, fromVersion: number) => V
  /** What a read relies on unless it says otherwise. @default 'eventual' */
  readonly consistency?: Consistency
  /** Largest packed value, in bytes; a larger one is refused with VALUE_TOO_LARGE. @default 1048576 */
  readonly maxValueBytes?: number
  /** Hold only this part of the map; the rest is read from the owner. docs/near-cache.md says what then holds. @default all of it */
  readonly interest?: Interest<V>
  /** Hold at most so many of the entries that were read or written here. Watches and indexes are then refused. @default no bound */
  readonly maxEntries?: number
  /** What becomes of a blind write (`put`, `putAll`, `remove`) that meets another. @default it replaces what is there */
  readonly merge?: Merge<V>
  /** How long a remove is remembered, in a map with `merge`, so that an older write does not undo it, in milliseconds. @default 60000 */
  readonly tombstoneMs?: number
  /**
   * Puts of one key that are made in one tick, or while the key's last put is still under way, become one commit: the newest.
   * Each caller gets the entry that was committed. @default false: every put is a commit
   */
  readonly coalesceWrites?: boolean
}

/**
 * Which part of a map a process holds: keys that begin with `prefix`, or entries that satisfy `where` (pure and short); or `'none'`,
 * for a process that writes and seldom reads: then it is told of nothing, also not of its own writes, and what needs the copy is refused.
 */
export type Interest<V> =
  | { readonly prefix: string; readonly where?: never }
  | { readonly where: (entry: Entry<V>) => boolean; readonly prefix?: never }
  | 'none'

/**
 * What becomes of blind writes that meet. Writes are ordered by hybrid logical clocks: one that saw the other is later.
 * - `last-writer-wins`: the later write stands, in whichever order they arrive.
 * - `per-attribute`: the same for each name in `attributes` of a value `{ entityId, attributes, ts }`. A put adds and replaces
 *   attributes and takes none away.
 * - a function of the present value and the one that comes, to a new one. It may run more than once and must return at once.
 */
export type Merge<V> = 'last-writer-wins' | 'per-attribute' | ((current: V, incoming: V) => V)

export interface ReadOptions {
  /** @default the map's, which is 'eventual' by default */
  readonly consistency?: Consistency
  /** Refuse (or ask the owner for) anything whose replica age is above this (I4). @default no limit */
  readonly maxAgeMs?: number
  /** Ends the call, also one that is under way: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface WriteOptions {
  /** Overrides the map's time to live for this entry, in milliseconds. */
  readonly ttlMs?: number
  /**
   * What the write must be: a backend that cannot give it refuses. No write is ever less than `session`: it is made by the owner,
   * and this process's copy has it when the promise resolves. @default 'session'
   */
  readonly consistency?: Consistency
  /** Given by a source for its own heartbeat or reading; resets the source age only if newer than the last one (I4). */
  readonly source?: SourceStamp
  /** @default the trace of the work that is running (`grid.trace.current`) */
  readonly trace?: TraceContext
  /**
   * Ends the call: it rejects with the signal's reason. Of a call under way the write may be made all the same: read the key with
   * `strong` before writing again. One that was aborted before the call has written nothing.
   */
  readonly signal?: AbortSignal
}

export type CompareAndSetResult<V> =
  | { readonly ok: true; readonly entry: Entry<V> }
  | { readonly ok: false; readonly current: Entry<V> | undefined }

export interface WatchOptions<V> {
  /** Watch this key alone. Changes of other keys cost such a watch nothing, however many there are. @default all keys */
  readonly key?: string
  /**
   * Tell only changes whose entry (for remove and expire: the previous entry) satisfies this. A put of an entry that
   * stops satisfying it is told as well.
   * Runs on the writer's stack: keep it pure and short. Of one that throws, the change is told. @default all
   */
  readonly where?: (entry: Entry<V>) => boolean
  /** Begin with a `put` for every present entry; with one `resync`, if they are more than `capacity`. @default false */
  readonly initial?: boolean
  /** Keep only the newest undelivered change of a key. @default false: every change */
  readonly coalesce?: boolean
  /** Undelivered changes held before the watcher is told `resync` instead (I5, I6). @default 65536 */
  readonly capacity?: number
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

export interface AgeOptions {
  /** Older than this is stale, in milliseconds. */
  readonly maxAgeMs: number
  /** Judge this source. @default the copy itself, by its replica age */
  readonly source?: string
  /** Ends it. */
  readonly signal?: AbortSignal
}

export interface CaughtUpOptions {
  /** How long to wait, in milliseconds. @default 5000 */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** An age is above its bound, or is not any more. */
export type AgeEvent = 'stale' | 'fresh'

/** A running watch. */
export interface Watch {
  close(): void
  [Symbol.dispose](): void
}

/**
 * A typed map of the grid. Reads without `await` come from the near cache: the copy of the map this process holds.
 * Every method that takes a key throws `GridError` BAD_KEY for anything but a non-empty string. With `interest: 'none'` all that
 * needs the copy throws UNSUPPORTED: `peek`, `size`, `entries`, `watch`, `index`, `ageMs`, `sourceAgeMs`, `onAge`.
 */
export interface GridMap<V> {
  readonly name: string
  /** Number of entries in the near cache. */
  readonly size: number
  /** The stored frozen entry, synchronously, or undefined. Never an expired one. */
  peek(key: string): Entry<V> | undefined
  /** All entries of the near cache, in no promised order. Never an expired one. */
  entries(): IterableIterator<Entry<V>>
  get(key: string, options?: ReadOptions): Promise<Entry<V> | undefined>
  put(key: string, value: V, options?: WriteOptions): Promise<Entry<V>>
  /** Commits all or, if any value or key is bad, none. */
  putAll(values: Iterable<readonly [key: string, value: V]>, options?: WriteOptions): Promise<void>
  /** True if there was an entry. */
  remove(key: string, options?: Pick<WriteOptions, 'trace' | 'signal'>): Promise<boolean>
  /** Writes only if the key's version is still `expectedVersion` (0: only if absent). */
  compareAndSet(key: string, expectedVersion: number, value: V, options?: WriteOptions): Promise<CompareAndSetResult<V>>
  /** Removes only if the key's version is still `expectedVersion`. True if it did. */
  removeIf(key: string, expectedVersion: number, options?: Pick<WriteOptions, 'trace' | 'signal'>): Promise<boolean>
  /**
   * Read, change, write, again until no other writer came between. `fn` may run more than once and must return at once;
   * undefined leaves the entry as it is. Gives the entry as it then stands. Updates of one key in one grid go one after the other, in the
   * order of their calls. The whole call has one deadline, that of the backend (500 ms where it has none). Throws `GridError` TIMEOUT,
   * or BUSY if it only waited for other updates: then nothing was sent.
   */
  update(key: string, fn: (current: V | undefined) => V | undefined, options?: WriteOptions): Promise<Entry<V> | undefined>
  /** Removes every entry. Where each key is by itself (`supports.atomicPutAll` is false) nothing more is begun once the signal aborts. */
  clear(options?: Pick<WriteOptions, 'signal'>): Promise<void>
  /** Tells every committed change in order, or `resync`. The listener runs after the commit, never on the writer's stack. */
  watch(listener: (change: Change<V>) => void, options?: WatchOptions<V>): Watch
  /**
   * Keeps an index over the near cache: `index({ by: (part) => part.owner })`, so that `equals` scans nothing. It is right at
   * once, follows every change and every resync, and ends with `close` or with the map. A key function is asked once per entry;
   * undefined leaves the entry out. One that throws is counted (`grid.guestErrors`), and the entry is left out and counted in
   * `leftOut`: one reader's index keeps nobody's write out of the map. Throws `GridError` UNSUPPORTED on a map with `maxEntries` or
   * `interest: 'none'`.
   */
  index<K extends IndexKey>(options: { readonly by: (value: V, key: string) => K | undefined }): EqualIndex<V, K>
  /** The same in the order of a number: `index({ sortedBy: (part) => part.x }).between(1.2, 1.8)`. */
  index(options: { readonly sortedBy: (value: V, key: string) => number | undefined }): SortedIndex<V>
  /** Replica age in milliseconds: how long ago, at most, this copy was complete (I4). Embedded: 0. */
  ageMs(): number
  /**
   * Resolves when the copy has all that was committed before the call; so also when it was first loaded. At once where nothing is held.
   * Throws `GridError` TIMEOUT if that takes longer.
   */
  caughtUp(options?: CaughtUpOptions): Promise<void>
  /** Milliseconds since this process accepted that source's last newer stamp, plus the replica age; Infinity if it never did (I4). */
  sourceAgeMs(key: string): number
  /**
   * Tells when an age crosses its bound, in either direction, beginning with `stale` if it is stale now. Judged by a timer, and
   * whenever the source is heard: a gap that ended before a late timer ran is still told, as `stale` and then `fresh`. A copy
   * that grows fresh again is told within a quarter of the bound, 50 ms at most. The listener runs in a microtask, never on
   * the writer's stack; one that throws is counted.
   */
  onAge(options: AgeOptions, listener: (event: AgeEvent, ageMs: number) => void): Watch
}

/** A process's door to the shared memory. */
export interface Grid {
  /** Identity of this process as a writer. */
  readonly id: string
  readonly clock: Clock
  readonly trace: TraceSlot
  /** What its backend can give; found out when it was opened. What it cannot is refused. */
  readonly supports: DriverSupports
  /** Names of the maps opened so far. */
  readonly mapNames: readonly string[]
  /** The map of that name; the same object each time. Asking again with other options is refused. */
  map<V>(name: string, options?: MapOptions<V>): GridMap<V>
  /** The topic of that name; the same object each time. Throws `GridError` UNSUPPORTED if the backend has none. */
  topic<T>(name: string): Topic<T>
  /** Counts since the grid was opened. */
  stats(): GridStats
  /** Adds an observer; a hook that throws is counted and otherwise ignored (I7). Returns its removal. */
  use(hooks: GridHooks): () => void
  /** Errors thrown by hooks and watch listeners so far. */
  readonly guestErrors: number
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
