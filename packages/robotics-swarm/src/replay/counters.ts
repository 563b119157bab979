import type { Change, Entry } from '@stigmergy/grid'
import { OK_BELOW_MM, type ReplayMaps } from './replay-maps.ts'

/** What the watchers of the maps saw of one session. */
export interface SessionCount {
  positions: number
  discs: number
  qcReadings: number
  qcOk: number
  /** Acceptance times of the first and the newest position; NaN: none yet. */
  firstAtMs: number
  newestAtMs: number
  /** Intervals between two accepted positions that are longer than the limit: what the stops are held against. */
  longIntervals: number
}

export interface Counters {
  readonly sessions: ReadonlyMap<string, Readonly<SessionCount>>
  /** Rows seen, of all sessions. */
  readonly rows: number
  /** Times a watcher was told that it may have missed changes; they cannot be counted then. */
  readonly resyncs: number
  close(): void
}

/** Counts map changes, and nothing else: it knows neither the recording nor the feed nor the safety. */
export function startCounters(maps: ReplayMaps, sessions: readonly string[], limitMs: number): Counters {
  const counts = new Map(
    sessions.map((session): [string, SessionCount] => [
      session,
      { positions: 0, discs: 0, qcReadings: 0, qcOk: 0, firstAtMs: NaN, newestAtMs: NaN, longIntervals: 0 },
    ]),
  )
  const limitUs = Math.round(limitMs * 1000)
  let rows = 0
  let resyncs = 0
  const puts =
    <V>(sessionOf: (entry: Entry<V>) => string, count: (count: SessionCount, entry: Entry<V>) => void) =>
    (change: Change<V>): void => {
      if (change.type === 'resync') resyncs++
      if (change.type !== 'put') return
      const found = counts.get(sessionOf(change.entry))
      if (!found) return
      rows++
      count(found, change.entry)
    }
  const watches = [
    maps.robots.watch(
      puts(
        ({ key }) => key,
        (count, { acceptedAtMs }) => {
          count.positions++
          if (Math.round((acceptedAtMs - count.newestAtMs) * 1000) > limitUs) count.longIntervals++
          if (count.positions === 1) count.firstAtMs = acceptedAtMs
          count.newestAtMs = acceptedAtMs
        },
      ),
    ),
    maps.parts.watch(
      puts(
        ({ value }) => value.session,
        (count) => count.discs++,
      ),
    ),
    maps.quality.watch(
      puts(
        ({ key }) => key,
        (count, { value }) => {
          count.qcReadings++
          if (value.distanceMm < OK_BELOW_MM) count.qcOk++
        },
      ),
    ),
  ]
  return {
    sessions: counts,
    get rows() {
      return rows
    },
    get resyncs() {
      return resyncs
    },
    close: () => watches.forEach((watch) => watch.close()),
  }
}
