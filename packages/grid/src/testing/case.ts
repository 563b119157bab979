import type { Clock } from '../time/clock.ts'
import type { Change } from '../map/entry.ts'
import type { Grid, GridMap, WatchOptions } from '../grid.ts'
import type { GridOptions } from '../options.ts'

/** One memory to test, fresh for each case. The runner closes what the case opened. */
export interface GridBench {
  readonly clock: Clock
  /** Opens a grid, as one more process, on the bench's one memory. Its clock is the bench's. */
  open(options?: Pick<GridOptions, 'id'>): Promise<Grid>
  /** Lets time pass: all timers due by then have run. */
  pass(ms: number): Promise<void>
  /** Returns when every change committed so far has been told to all grids and watchers. */
  settle(): Promise<void>
}

/** What a case takes for granted; a backend that cannot give it leaves the case out, and says why in its documentation. */
export type CaseNeed =
  /** Time stands still but for `pass`, so that it can be judged to the millisecond. */
  | 'exact-time'
  /** A write is seen by every grid when its promise resolves. */
  | 'linearizable'
  /** A write is committed, and seen by every grid, inside its call. */
  | 'in-call'
  /** Changes of different keys are told in the order of their commits, too. */
  | 'total-order'
  /** The copy is never old: its replica age is 0. */
  | 'ageless'
  /** There are topics. */
  | 'topics'

/** A behaviour every backend must show. It throws an AssertionError where it does not. */
export interface GridCase {
  readonly name: string
  readonly needs?: readonly CaseNeed[]
  run(bench: GridBench): Promise<void>
}

/** Opens the map and notes what a watcher is told. */
export function record<V>(map: GridMap<V>, options?: WatchOptions<V>): Change<V>[] {
  const told: Change<V>[] = []
  map.watch((change) => told.push(change), options)
  return told
}

/** A change in one line: `put k=1`, `remove k`, `expire k`, `resync overflow a=1 b=2`. */
export function line(change: Change<unknown>): string {
  if (change.type === 'put') return `put ${change.key}=${JSON.stringify(change.entry.value)}`
  if (change.type !== 'resync') return `${change.type} ${change.key}`
  const state = [...change.entries.values()].map(({ key, value }) => `${key}=${JSON.stringify(value)}`)
  return ['resync', change.reason, ...state.toSorted()].join(' ')
}

/** All lines, in the order told. */
export function lines(told: readonly Change<unknown>[]): readonly string[] {
  return told.map(line)
}

/** All lines, key by key, each key's in the order told: the order of different keys is no promise of every backend. */
export function linesByKey(told: readonly Change<unknown>[]): readonly string[] {
  const keyOf = (change: Change<unknown>): string => ('key' in change ? change.key : '')
  return told.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : Number(keyOf(a) > keyOf(b)))).map(line)
}

/** The source age of a key without the replica age that is part of it. */
export function heardMsAgo(map: Pick<GridMap<unknown>, 'sourceAgeMs' | 'ageMs'>, key: string): number {
  // Two looks at the clock, a little apart where it runs.
  return Math.abs(Math.round(map.sourceAgeMs(key) - map.ageMs()))
}

/** For `assert.rejects` and `assert.throws`: a `GridError` of this code, whose message holds the text. */
export function refusal(code: string, text = ''): (error: unknown) => boolean {
  return (error) => error instanceof Error && 'code' in error && error.code === code && error.message.includes(text)
}
