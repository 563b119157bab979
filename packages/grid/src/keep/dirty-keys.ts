import type { Entry } from '../map/entry.ts'

/** What a key is to become in the store: its newest entry, or undefined where it was removed. */
export interface Dirty<V> {
  readonly key: string
  readonly entry: Entry<V> | undefined
  /** Number of the first change that is not stored. */
  readonly since: number
}

/** Keys whose newest value is not stored yet, in the order they changed. One entry for each (I6): a later change takes its place. */
export interface DirtyKeys<V> {
  /** Those that wait and those that are being written. */
  readonly size: number
  readonly waiting: number
  /** Changes that needed no write of their own. */
  readonly coalesced: number
  /** Returns the number of this change. */
  mark(key: string, entry: Entry<V> | undefined): number
  /** The oldest, up to `most`; none before all that were taken are given back. So writes of one key never overlap. */
  take(most: number): readonly Dirty<V>[]
  stored(taken: Dirty<V>): void
  /** It could not be stored: it waits again, since when it changed first, with the newest value there is. */
  putBack(taken: Dirty<V>): void
  /** True when all changes up to this number are stored. */
  settled(mark: number): boolean
  /** The number of the last change. */
  readonly marks: number
}

export function createDirtyKeys<V>(): DirtyKeys<V> {
  const waiting = new Map<string, Dirty<V>>()
  const taken = new Set<Dirty<V>>()
  let marks = 0
  let coalesced = 0
  return {
    get size() {
      return waiting.size + taken.size
    },
    get waiting() {
      return waiting.size
    },
    get coalesced() {
      return coalesced
    },
    get marks() {
      return marks
    },
    mark(key, entry) {
      marks += 1
      const before = waiting.get(key)
      if (before !== undefined) coalesced += 1
      waiting.set(key, { key, entry, since: before?.since ?? marks })
      return marks
    },
    take(most) {
      if (taken.size > 0) return []
      for (const each of waiting.values()) {
        if (taken.size === most) break
        taken.add(each)
        waiting.delete(each.key)
      }
      return [...taken]
    },
    stored: (each) => void taken.delete(each),
    putBack(each) {
      taken.delete(each)
      const newer = waiting.get(each.key)
      if (newer !== undefined) coalesced += 1
      waiting.set(each.key, { ...(newer ?? each), since: each.since })
    },
    settled: (mark) => [...waiting.values(), ...taken].every(({ since }) => since > mark),
  }
}
