import type { Entry } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import type { Consistency, MapOptions, Merge } from '../grid.ts'
import { badOption, checkConsistency, checkNames, checkTtlMs } from '../options.ts'

export interface ResolvedMapOptions<V> {
  readonly ttlMs: number | undefined
  readonly schemaVersion: number
  readonly upgrade: ((value: unknown, fromVersion: number) => V) | undefined
  readonly consistency: Consistency
  readonly maxValueBytes: number
  readonly interestPrefix: string | undefined
  readonly interestWhere: ((entry: Entry<V>) => boolean) | undefined
  /** `interest: 'none'`. */
  readonly holdsNothing: boolean
  readonly maxEntries: number | undefined
  readonly merge: Merge<V> | undefined
  readonly tombstoneMs: number
  readonly coalesceWrites: boolean
}

const NAMES = [
  'ttlMs',
  'schemaVersion',
  'upgrade',
  'consistency',
  'maxValueBytes',
  'interest',
  'maxEntries',
  'merge',
  'tombstoneMs',
  'coalesceWrites',
] as const

/** Throws `GridError` BAD_OPTION. */
export function resolveMapOptions<V>(options: MapOptions<V>): ResolvedMapOptions<V> {
  checkNames('map', options, NAMES)
  const { schemaVersion = 1, upgrade, consistency = 'eventual', maxValueBytes = 1_048_576, maxEntries } = options
  const { interest, merge, tombstoneMs = 60_000, coalesceWrites = false } = options
  if (upgrade !== undefined && typeof upgrade !== 'function') throw badOption('upgrade', upgrade, 'a function')
  if (typeof coalesceWrites !== 'boolean') throw badOption('coalesceWrites', coalesceWrites, 'true or false')
  if (!(Number.isFinite(tombstoneMs) && tombstoneMs > 0)) throw badOption('tombstoneMs', tombstoneMs, 'a number of milliseconds above 0')
  const resolved: ResolvedMapOptions<V> = {
    ttlMs: checkTtlMs(options.ttlMs),
    schemaVersion: checkCount('schemaVersion', schemaVersion),
    upgrade,
    consistency: checkConsistency(consistency),
    maxValueBytes: checkCount('maxValueBytes', maxValueBytes),
    maxEntries: maxEntries === undefined ? undefined : checkCount('maxEntries', maxEntries),
    merge: checkMerge(merge),
    tombstoneMs,
    coalesceWrites,
    ...resolveInterest(interest),
  }
  checkTogether(resolved)
  return resolved
}

/** Throws `GridError` MAP_REOPENED where the two differ. */
export function checkSame<V>(name: string, asked: ResolvedMapOptions<V>, has: ResolvedMapOptions<V>): void {
  for (const option of Object.keys(has) as (keyof ResolvedMapOptions<V>)[]) {
    if (asked[option] === has[option]) continue
    throw new GridError('MAP_REOPENED', `map ${quote(name)} is open with ${option} ${quote(has[option])}, not ${quote(asked[option])}`)
  }
}

function checkCount(name: string, count: number): number {
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw badOption(name, count, 'a whole number from 1 on')
}

function checkMerge<V>(merge: Merge<V> | undefined): Merge<V> | undefined {
  if (merge === undefined || merge === 'last-writer-wins' || merge === 'per-attribute' || typeof merge === 'function') return merge
  throw badOption('merge', merge, "'last-writer-wins', 'per-attribute' or a function")
}

type ResolvedInterest<V> = Pick<ResolvedMapOptions<V>, 'interestPrefix' | 'interestWhere' | 'holdsNothing'>

function resolveInterest<V>(interest: MapOptions<V>['interest']): ResolvedInterest<V> {
  if (interest === undefined || interest === 'none') {
    return { interestPrefix: undefined, interestWhere: undefined, holdsNothing: interest === 'none' }
  }
  if (typeof interest === 'string') throw badOption('interest', interest, "{ prefix }, { where } or 'none'")
  checkNames('interest', interest, ['prefix', 'where'])
  const { prefix, where } = interest as { readonly prefix?: unknown; readonly where?: unknown }
  if ((prefix === undefined) === (where === undefined)) throw badOption('interest', interest, 'either { prefix } or { where }')
  if (prefix !== undefined && (typeof prefix !== 'string' || prefix === '')) throw badOption('prefix', prefix, 'a non-empty string')
  if (where !== undefined && typeof where !== 'function') throw badOption('where', where, 'a function')
  return { interestPrefix: prefix, interestWhere: where as ((entry: Entry<V>) => boolean) | undefined, holdsNothing: false }
}

function checkTogether<V>(options: ResolvedMapOptions<V>): void {
  const { merge, coalesceWrites, maxEntries, interestPrefix, interestWhere, holdsNothing } = options
  if (coalesceWrites && merge !== undefined && merge !== 'last-writer-wins') {
    throw new GridError(
      'BAD_OPTION',
      'coalesceWrites keeps only the newest write of a key, but this merge needs each: leave one of them out',
    )
  }
  if (holdsNothing && merge !== undefined) {
    throw new GridError(
      'BAD_OPTION',
      "merge needs to hear of removes, and with interest 'none' nothing is heard: leave one of them out, or give interest { prefix }",
    )
  }
  if (maxEntries !== undefined && (holdsNothing || (interestPrefix ?? interestWhere) !== undefined)) {
    throw new GridError('BAD_OPTION', 'maxEntries and interest are two ways to hold a part of a map: give one')
  }
}
