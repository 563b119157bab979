import type { Entry } from '../map/entry.ts'

/** What a key is to become in the store: its newest entry, or undefined where it was removed. */
export interface Dirty<V> {
  readonly key: string
  readonly entry: Entry<V> | undefined
  /** Number of the first change that is not stored. */
  readonly since: number
  /** How often it failed since it was stored last. */
  readonly tries: number
}

/** Keys whose newest value is not stored yet, in the order they changed. One entry for each (I6): a later change takes its place. */
export interface DirtyKeys<V> {
  /** Those that wait, those that pause and those that are being written. */
  readonly size: number
  /** Those to be written as soon as may be. */
  readonly waiting: number
  /** When the first pause of a key ends, or undefined if none pauses. */
  readonly dueMs: number | undefined
  /** Changes that needed no write of their own. */
  readonly coalesced: number
  /** Returns the number of this change. */
  mark(key: string, entry: Entry<V> | undefined): number
  /** The oldest, up to `most`; none before all that were taken are given back. So writes of one key never overlap. */
  take(most: number, nowMs: number): readonly Dirty<V>[]
  /** It is stored, or never will be. */
  done(taken: Dirty<V>): void
  /** It could not be stored: it waits again, since when it changed first, with the newest value there is; until `dueMs` if given. */
  putBack(taken: Dirty<V>, dueMs?: number): void
  /** True when all changes up to this number are stored. */
  settled(mark: number): boolean
  /** The number of the last change. */
  readonly marks: number
}

export function createDirtyKeys<V>(): DirtyKeys<V> {
  const waiting = new Map<string, Dirty<V>>()
  // A key of its own trouble must not hold up the others.
  const paused = new Map<string, { readonly dirty: Dirty<V>; readonly dueMs: number }>()
  const taken = new Set<Dirty<V>>()
  let dueMs = Infinity
  let marks = 0
  let coalesced = 0
  // Of all keys; undefined when it must be looked for. Each of thousands who wait asks for it after each round of writes.
  let oldest: number | undefined = Infinity

  function oldestSince(): number {
    if (oldest !== undefined) return oldest
    oldest = Infinity
    for (const { since } of waiting.values()) oldest = Math.min(oldest, since)
    for (const { since } of taken) oldest = Math.min(oldest, since)
    for (const { dirty } of paused.values()) oldest = Math.min(oldest, dirty.since)
    return oldest
  }

  function wake(nowMs: number): void {
    dueMs = Infinity
    for (const [key, pause] of paused) {
      if (pause.dueMs > nowMs) dueMs = Math.min(dueMs, pause.dueMs)
      else {
        paused.delete(key)
        waiting.set(key, pause.dirty)
      }
    }
  }

  return {
    get size() {
      return waiting.size + paused.size + taken.size
    },
    get waiting() {
      return waiting.size
    },
    get dueMs() {
      return paused.size === 0 ? undefined : dueMs
    },
    get coalesced() {
      return coalesced
    },
    get marks() {
      return marks
    },
    mark(key, entry) {
      marks += 1
      const pause = paused.get(key)
      const before = pause?.dirty ?? waiting.get(key)
      if (before !== undefined) coalesced += 1
      const dirty = { key, entry, since: before?.since ?? marks, tries: before?.tries ?? 0 }
      if (pause === undefined) waiting.set(key, dirty)
      else paused.set(key, { dirty, dueMs: pause.dueMs })
      if (oldest !== undefined) oldest = Math.min(oldest, dirty.since)
      return marks
    },
    take(most, nowMs) {
      if (taken.size > 0) return []
      if (dueMs <= nowMs) wake(nowMs)
      for (const each of waiting.values()) {
        if (taken.size === most) break
        taken.add(each)
        waiting.delete(each.key)
      }
      return [...taken]
    },
    done(each) {
      taken.delete(each)
      if (each.since === oldest) oldest = undefined
    },
    putBack(each, until) {
      taken.delete(each)
      const newer = waiting.get(each.key)
      if (newer !== undefined) coalesced += 1
      const dirty = { ...(newer ?? each), since: each.since, tries: each.tries + 1 }
      if (until === undefined) waiting.set(each.key, dirty)
      else {
        waiting.delete(each.key)
        paused.set(each.key, { dirty, dueMs: until })
        dueMs = Math.min(dueMs, until)
      }
    },
    settled: (mark) => oldestSince() > mark,
  }
}
