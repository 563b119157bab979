/** What one map has done so far. */
export interface MapStats {
  readonly name: string
  /** Entries held. */
  readonly entries: number
  /** Reads of the near cache by key. */
  readonly reads: number
  /** The most read keys, most read first. Counted by samples: good for the order, near for the number. */
  readonly hotKeys: readonly { readonly key: string; readonly reads: number }[]
  /** Entries that a bounded copy let go (`maxEntries`). */
  readonly evictions: number
  /** Puts that were merged into a later one (`coalesceWrites`). */
  readonly coalescedWrites: number
}

export interface TopicStats {
  readonly name: string
  readonly published: number
  readonly received: number
  /** By all subscribers together, also those that ended. */
  readonly dropped: number
}

export interface GridStats {
  readonly maps: readonly MapStats[]
  readonly topics: readonly TopicStats[]
  readonly guestErrors: number
}
