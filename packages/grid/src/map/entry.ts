import type { TraceContext } from './trace.ts'

/** A stamp made by the source of a value: (epoch, seq) grows with every new reading, epoch with every restart of the source. */
export interface SourceStamp {
  readonly epoch: number
  readonly seq: number
}

/** When a value was written, by the writers' hybrid logical clocks: orders writes that did not know of each other. */
export interface Stamps {
  /** Of the newest write that is part of it. */
  readonly at: number
  /** Of each attribute, in a map with `merge: 'per-attribute'`. */
  readonly attributes: Readonly<Record<string, number>> | undefined
}

/** One committed value as this process holds it. Frozen, value included: it is shared by all readers. */
export interface Entry<V> {
  readonly key: string
  readonly value: V
  /** Orders the writes of a key: grows with every commit of the map, also over a remove. The token of `compareAndSet`. */
  readonly version: number
  /** Id of the grid (process) that wrote it. */
  readonly writer: string
  /** Version of the value's schema, as stored after any upgrade (I9). */
  readonly schemaVersion: number
  /** Time to live from the commit, in milliseconds; undefined: for ever. */
  readonly ttlMs: number | undefined
  /** Stamp of the source, where the writer gave one. */
  readonly source: SourceStamp | undefined
  /** Trace of the work that wrote it. */
  readonly trace: TraceContext | undefined
  /** Set in maps with `merge`. */
  readonly stamps?: Stamps | undefined
  /** Local monotonic time at which this process accepted it (never a remote clock, I4). */
  readonly acceptedAtMs: number
}

/** A new value was committed. */
export interface PutChange<V> {
  readonly type: 'put'
  readonly key: string
  readonly entry: Entry<V>
  readonly previous: Entry<V> | undefined
}

/** The key was removed by a writer. */
export interface RemoveChange<V> {
  readonly type: 'remove'
  readonly key: string
  readonly version: number
  readonly previous: Entry<V>
  readonly trace: TraceContext | undefined
  /** It is still there, but no longer of interest to this process (see `MapOptions.interest`). */
  readonly left?: true
}

/** The key's time to live ended. */
export interface ExpireChange<V> {
  readonly type: 'expire'
  readonly key: string
  readonly version: number
  readonly previous: Entry<V>
}

/** Why a watcher is told the whole present state. */
export type ResyncReason = 'overflow' | 'reconnect' | 'gap' | 'merge'

/** Changes may have been missed: this is the whole present state, go on from here (I5). */
export interface ResyncChange<V> {
  readonly type: 'resync'
  readonly reason: ResyncReason
  readonly entries: ReadonlyMap<string, Entry<V>>
}

export type Change<V> = PutChange<V> | RemoveChange<V> | ExpireChange<V> | ResyncChange<V>
