import type { Clock } from './time/clock.ts'
import type { ResyncReason } from './map/entry.ts'
import { quote } from './errors.ts'
import type { Consistency } from './grid.ts'

/**
 * What a backend is: somewhere bytes are committed under string keys, in one order per map, and every process is told.
 * All that users see beyond that (values, ages, time to live for readers, watches) is written once, above this line.
 */
export interface GridBackend {
  readonly name: string
  open(context: DriverContext): Promise<GridDriver>
}

export interface DriverContext {
  /** Id of the grid that opens it. */
  readonly id: string
  /** Names this opening: ids may come back after a restart, this one never. */
  readonly session: string
  readonly clock: Clock
}

export interface GridDriver {
  readonly supports: DriverSupports
  /** How long an operation may take, in milliseconds. What is made of several (`update`) may take as long in all. @default 500 */
  readonly deadlineMs?: number
  /** Fan-out of messages that nobody keeps. @default the backend has no topics, and `grid.topic` is refused */
  openTopic?(name: string, receive: (message: Uint8Array) => void): TopicDriver
  /** Returns at once. Feeds the present records as a `load` before any change, during the call if it can. */
  openMap(name: string, feed: DriverFeed): MapDriver
  close(): Promise<void>
}

/** What the backend can give. What it cannot is refused with `GridError` UNSUPPORTED, never weakened. */
export interface DriverSupports {
  readonly consistency: ReadonlySet<Consistency>
  /** Is `strong` linearizable, whatever happens? docs/consistency.md says what it is where it is not. */
  readonly linearizable: boolean
  /** Do `putAll` and `clear` commit all or none? Else each key by itself. */
  readonly atomicPutAll: boolean
  readonly topics: boolean
  /** What answers, where it is another process. */
  readonly server?: ServerManifest
}

export interface ServerManifest {
  readonly product: string
  /** Of its members. */
  readonly versions: readonly string[]
  /** How many there were when the grid was opened. */
  readonly members: number
  /** Does it have a linearizable part (Hazelcast's CP subsystem)? The maps are no part of it. */
  readonly cp: boolean
}

/**
 * One map of one grid. A write has been fed to this grid's own feed before its promise resolves (so session reads are local); of an
 * unheld map, `read` shows it from then on.
 */
export interface MapDriver {
  commit(write: DriverWrite): Promise<CommitResult>
  /**
   * Commits a put that looks at nothing, and gives the entry it became: the call that is made most, so it makes one promise.
   * @default `commit` is called
   */
  put?<E>(write: DriverPut<E>): Promise<E>
  /**
   * All or none; `expect` is not looked at. Where each key is by itself (`atomicPutAll` is false) nothing more is begun once the signal
   * is aborted.
   */
  commitAll(writes: readonly DriverWrite[], signal?: AbortSignal): Promise<void>
  /**
   * The record as its owner has it; never an expired one. `shown`: this process was shown that version of the key. Where the owner
   * has lost it, and has an older one, that one is the newest there is: it gets a version above, so that no reader steps back.
   * `orLost`: throws `GridError` SESSION_LOST for a key that is `lost`; else the key is lost no more, since the caller is told so.
   */
  read(key: string, shown?: number, orLost?: boolean): Promise<DriverRecord | undefined>
  /** Was this process shown a value of the key, where the backend has neither one nor a sign that it was removed? @default never */
  lost?(key: string): boolean
  /**
   * Commits the removal of every key there is, all or none. What `removal` throws is thrown, and nothing was removed. Where each key is by
   * itself nothing more is begun once the signal is aborted.
   */
  clear(removal: (key: string) => DriverWrite, signal?: AbortSignal): Promise<void>
  /**
   * The write as the backend's own transaction takes it, to be committed with others; nothing is written by this call. Whoever gets it
   * can only hand it on. @default the backend has no transactions
   */
  stage?(write: DriverWrite): object
  /** That version's time to live has ended here: it may be forgotten. */
  expired(key: string, version: number): void
  /** How long ago, at most, the fed copy was complete, in milliseconds; Infinity before the first load (I4). */
  ageMs(nowMs: number): number
  /** Resolves when all that was committed before the call has been fed. @default it always has been */
  caughtUp?(signal?: AbortSignal): Promise<void>
  close(): void
}

/** One topic of one grid. */
export interface TopicDriver {
  /** Resolves when the message was handed to the backend. Each publisher's messages reach every grid in order, its own too. */
  publish(message: Uint8Array): Promise<void>
  /** Resolves when every message published from then on is received. @default it always is */
  listening?(): Promise<void>
  close(): void
}

/** Names a write among all there ever were: a write whose answer was lost is found again by it. */
export interface WriteId {
  /** One opening of a grid. Not its id, which may come back after a restart. */
  readonly session: string
  /** Counts the writes of that session to one map, from 1 on. */
  readonly number: number
}

/** A write to commit. */
export interface DriverWrite {
  /** Stands in the header of what `pack` gives, too. */
  readonly id?: WriteId
  readonly type: 'put' | 'remove'
  readonly key: string
  /** Commit only if the key has this version (0: is absent). Undefined: whatever it has. */
  readonly expect: number | undefined
  /** Its version must follow the one it replaces at the owner, not only what this process knew. @default it need not */
  readonly strong?: boolean
  readonly ttlMs: number | undefined
  /** The bytes to store (for a remove: to tell), once the backend has said which version it is and when it was committed. */
  pack(version: number, atMs: number): Uint8Array
  /** The same behind so many bytes that are free for what the backend puts there. @default `pack`, and a copy */
  packAfter?(room: number, version: number, atMs: number): Buffer
}

/** As errors call it. A `compareAndSet`, and what is made of them, says over which version. */
export function describeWrite({ type, key, expect }: Pick<DriverWrite, 'type' | 'key' | 'expect'>): string {
  if (expect === undefined) return `${type} of ${quote(key)}`
  return `${type} of ${quote(key)} over ${expect === 0 ? 'nothing' : `version ${expect}`}`
}

/** A put that knows what it becomes. */
export interface DriverPut<E> extends DriverWrite {
  entry(version: number, atMs: number): E
}

export type CommitResult =
  | { readonly ok: true; readonly version: number; readonly atMs: number }
  /** Not the expected version; for a remove also: there was nothing to remove. */
  | { readonly ok: false; readonly current: DriverRecord | undefined }

export interface DriverRecord {
  readonly key: string
  /** Grows with every commit of the map. */
  readonly version: number
  readonly bytes: Uint8Array
  /** Local monotonic time of the commit, or of its arrival here where it was made elsewhere. */
  readonly atMs: number
  /** Local time at or before the commit, or -Infinity: how old its source is at least said to be. @default atMs */
  readonly heardAtMs?: number
}

export interface DriverChange extends DriverRecord {
  readonly type: 'put' | 'remove'
  /** The very object given to `commit`, if this grid gave it: its bytes need no decoding. */
  readonly write: DriverWrite | undefined
}

/** Where a backend tells. Nothing here throws. */
export interface DriverFeed {
  /**
   * This process holds nothing of the map: a backend that can save itself the telling need not feed it. Reads of the copy are refused
   * above. @default false
   */
  readonly unheld?: boolean
  /**
   * The schema version this process writes, and the highest it can read. What stands under a key in a newer one is not written over and
   * not removed: such a commit is refused with `GridError` NEWER_SCHEMA, whether this process holds the key or not (I9).
   * @default the backend refuses nothing
   */
  readonly schemaVersion?: number
  /** One change, in commit order per key (I5). */
  change(change: DriverChange): void
  /** A part of the first load, before the `load` that ends it with what is left. @default one `load` gives it all */
  loading?(records: Iterable<DriverRecord>): void
  /** The whole present state. With a reason: changes may have been missed before it (I5). */
  load(records: Iterable<DriverRecord>, reason?: ResyncReason): void
  /** Changes were missed, and this is how these keys are now: told as a resync, not one by one (I5). */
  patch(changes: Iterable<DriverChange>, reason: ResyncReason): void
}
