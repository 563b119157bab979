import type { Clock } from './clock.ts'
import type { Change, Entry, SourceStamp } from './entry.ts'
import type { GridHooks } from './hooks.ts'
import type { TraceContext, TraceSlot } from './trace.ts'

/** What an operation may rely on; the table of guarantees per backend is in docs/consistency.md. */
export type Consistency = 'eventual' | 'session' | 'strong'

export interface MapOptions<V> {
  /** Default time to live of this map's entries in milliseconds. @default none: entries live until removed */
  readonly ttlMs?: number
  /** Version of the value's schema written by this process. @default 1 */
  readonly schemaVersion?: number
  /** Upgrades a value stored with an older schema version. Without it an older version is refused (I9). */
  readonly upgrade?: (value: unknown, fromVersion: number) => V
}

export interface ReadOptions {
  /** @default 'eventual' */
  readonly consistency?: Consistency
  /** Refuse (or ask the owner for) anything whose replica age is above this (I4). @default no limit */
  readonly maxAgeMs?: number
  readonly signal?: AbortSignal
}

export interface WriteOptions {
  /** Overrides the map's time to live for this entry, in milliseconds. */
  readonly ttlMs?: number
  /** Given by a source for its own heartbeat or reading; resets the source age only if newer than the last one (I4). */
  readonly source?: SourceStamp
  /** @default the trace of the work that is running (`grid.trace.current`) */
  readonly trace?: TraceContext
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

/** A running watch. */
export interface Watch {
  close(): void
  [Symbol.dispose](): void
}

/**
 * A typed map of the grid. Reads without `await` come from the near cache: the copy of the map this process holds.
 * Every method that takes a key throws `GridError` BAD_KEY for anything but a non-empty string.
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
   * undefined leaves the entry as it is. Gives the entry as it then stands.
   */
  update(key: string, fn: (current: V | undefined) => V | undefined, options?: WriteOptions): Promise<Entry<V> | undefined>
  /** Removes every entry. */
  clear(): Promise<void>
  /** Tells every committed change in order, or `resync`. The listener runs after the commit, never on the writer's stack. */
  watch(listener: (change: Change<V>) => void, options?: WatchOptions<V>): Watch
  /** Replica age in milliseconds: how long ago, at most, this copy was complete (I4). Embedded: 0. */
  ageMs(): number
  /** Milliseconds since this process accepted that source's last newer stamp, plus the replica age; Infinity if it never did (I4). */
  sourceAgeMs(key: string): number
}

/** A process's door to the shared memory. */
export interface Grid {
  /** Identity of this process as a writer. */
  readonly id: string
  readonly clock: Clock
  readonly trace: TraceSlot
  /** Names of the maps opened so far. */
  readonly mapNames: readonly string[]
  /** The map of that name; the same object each time. Asking again with other options is refused. */
  map<V>(name: string, options?: MapOptions<V>): GridMap<V>
  /** Adds an observer; a hook that throws is counted and otherwise ignored (I7). Returns its removal. */
  use(hooks: GridHooks): () => void
  /** Errors thrown by hooks and watch listeners so far. */
  readonly guestErrors: number
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
