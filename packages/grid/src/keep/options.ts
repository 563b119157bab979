import { GridError, quote } from '../errors.ts'
import type { GridMap } from '../grid.ts'
import { resolveMapOptions, type ResolvedMapOptions } from '../map/map-options.ts'
import { ReplicatedMap } from '../map/map.ts'
import { systemClock, type Clock } from '../time/clock.ts'
import { badOption, checkCount, checkFence, checkMs, checkNames } from '../store/rules.ts'
import type { Fence, Store } from '../store/store.ts'

export interface ReadThroughOptions {
  readonly store: Store
  /** Begins the id of every record: ids are `prefix` + key. @default the map's name, `%` and `/` in it as `%25` and `%2F`, and a slash */
  readonly prefix?: string
}

export interface WriteBehindOptions extends ReadThroughOptions {
  /** By which right it writes, of a lease of an `Authority`: one process at a time keeps a map (I1). */
  readonly fence: Fence
  /** How long a change waits for others at most, in milliseconds. @default 20 */
  readonly flushMs?: number
  /** So many changed keys are written without waiting. @default 256 */
  readonly flushKeys?: number
  /** With so many changed keys not yet stored, `put` waits. @default 10000 */
  readonly maxDirty?: number
  /** Writes under way at once. @default 64 */
  readonly parallel?: number
  /** Pause after a store that fails, doubled each time up to 50 times it, in milliseconds. @default 100 */
  readonly retryMs?: number
  /** How long `put` waits for room, and `flush` and `close` for the store, in milliseconds. @default 10000 */
  readonly timeoutMs?: number
  /** @default systemClock() */
  readonly clock?: Clock
}

export type ResolvedWriteBehind = Required<WriteBehindOptions>

const NAMES = ['store', 'prefix', 'fence', 'flushMs', 'flushKeys', 'maxDirty', 'parallel', 'retryMs', 'timeoutMs', 'clock']

export function resolveReadThrough(
  of: string,
  map: string,
  options: ReadThroughOptions,
  names: readonly string[] = ['store', 'prefix'],
): Required<ReadThroughOptions> {
  checkNames(of, options, names)
  const { store, prefix = ownPrefix(map) } = options
  if (typeof store?.commit !== 'function') throw badOption('store', store, 'a Store')
  if (typeof prefix !== 'string' || Buffer.byteLength(prefix) > 200) throw badOption('prefix', prefix, 'a string of at most 200 bytes')
  return { store, prefix }
}

export function resolveWriteBehind(map: string, options: WriteBehindOptions): ResolvedWriteBehind {
  const place = resolveReadThrough('createWriteBehind', map, options, NAMES)
  const { clock = systemClock() } = options
  return {
    ...place,
    fence: checkFence(options.fence ?? { owner: '', token: 0 }),
    flushMs: checkMs('flushMs', options.flushMs ?? 20),
    flushKeys: checkCount('flushKeys', options.flushKeys ?? 256, 1),
    maxDirty: checkCount('maxDirty', options.maxDirty ?? 10_000, 1),
    parallel: checkCount('parallel', options.parallel ?? 64, 1),
    retryMs: checkMs('retryMs', options.retryMs ?? 100),
    timeoutMs: checkMs('timeoutMs', options.timeoutMs ?? 10_000),
    clock,
  }
}

/** A map with `interest` tells what leaves its part as removed, and nothing of what lies outside. One with `maxEntries` has no watch. */
export function checkWhole<V>(map: GridMap<V>): void {
  const { interestPrefix, interestWhere, holdsNothing } = optionsOf(map)
  if (interestPrefix === undefined && interestWhere === undefined && !holdsNothing) return
  throw new GridError('UNSUPPORTED', `map ${quote(map.name)} is held in part (interest): a keeper needs it whole`)
}

/** A map that holds nothing has no near cache to look into. */
export function checkHeld<V>(map: GridMap<V>): void {
  if (!optionsOf(map).holdsNothing) return
  throw new GridError(
    'UNSUPPORTED',
    `map ${quote(map.name)} holds nothing here (interest 'none'): a read-through needs what it read before`,
  )
}

function optionsOf<V>(map: GridMap<V>): ResolvedMapOptions<V> {
  return map instanceof ReplicatedMap ? (map as ReplicatedMap<V>).options : resolveMapOptions<V>({})
}

/** No map's ids begin as another's: key `q/k` of map `p` is not key `k` of map `p/q`. */
function ownPrefix(map: string): string {
  return `${map.replaceAll('%', '%25').replaceAll('/', '%2F')}/`
}
