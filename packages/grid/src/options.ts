import { randomUUID } from 'node:crypto'
import { systemClock, type Clock } from './time/clock.ts'
import type { Entry, SourceStamp } from './map/entry.ts'
import { GridError, quote, unknownOption } from './errors.ts'
import type { AgeOptions, Consistency, WatchOptions } from './grid.ts'
import type { IndexChoice } from './map/map-index.ts'
import type { TraceContext } from './map/trace.ts'
import type { SubscribeOptions } from './feed/topic.ts'

export interface GridOptions {
  /** Identity of this process as a writer; unique among the grids that share a memory. @default a new id */
  readonly id?: string
  /** @default systemClock() */
  readonly clock?: Clock
  /** Makes new ids. @default random UUIDs */
  readonly ids?: () => string
}

export interface ResolvedGridOptions {
  readonly id: string
  /** Names this opening: ids may come back after a restart, this one never. */
  readonly session: string
  readonly clock: Clock
}

export interface ResolvedWatchOptions<V> {
  readonly key: string | undefined
  readonly where: ((entry: Entry<V>) => boolean) | undefined
  readonly initial: boolean
  readonly coalesce: boolean
  readonly capacity: number
  readonly signal: AbortSignal | undefined
}

export function resolveGridOptions(options: GridOptions): ResolvedGridOptions {
  checkNames('openGrid', options, ['id', 'clock', 'ids'])
  const ids = options.ids ?? randomUUID
  if (typeof ids !== 'function') throw badOption('ids', ids, 'a function')
  const id = options.id ?? ids()
  if (typeof id !== 'string' || id === '') throw badOption('id', id, 'a non-empty string')
  const session: unknown = ids()
  if (typeof session !== 'string' || session === '') throw badOption('what ids() returned', session, 'a non-empty string')
  return { id, session: session.slice(-12), clock: checkClock(options.clock ?? systemClock()) }
}

const CLOCK = ['now', 'wallNow', 'setTimeout', 'clearTimeout'] as const satisfies readonly (keyof Clock)[]

/** Throws `GridError` BAD_OPTION. */
export function checkClock(clock: Clock): Clock {
  const given = clock as Partial<Clock> | null
  if (CLOCK.every((part) => typeof given?.[part] === 'function')) return clock
  throw badOption('clock', clock, 'a clock such as createVirtualClock()')
}

export function resolveWatchOptions<V>(options: WatchOptions<V>): ResolvedWatchOptions<V> {
  checkNames('watch', options, ['key', 'where', 'initial', 'coalesce', 'capacity', 'signal'])
  const { key, where, initial = false, coalesce = false, capacity = 65_536, signal } = options
  if (where !== undefined && typeof where !== 'function') throw badOption('where', where, 'a function')
  if (typeof initial !== 'boolean') throw badOption('initial', initial, 'true or false')
  if (typeof coalesce !== 'boolean') throw badOption('coalesce', coalesce, 'true or false')
  if (!Number.isSafeInteger(capacity) || capacity < 1) throw badOption('capacity', capacity, 'a whole number from 1 on')
  return { key: key === undefined ? undefined : checkKey(key), where, initial, coalesce, capacity, signal }
}

export function resolveAgeOptions(options: AgeOptions): AgeOptions {
  checkNames('onAge', options, ['maxAgeMs', 'source', 'signal'])
  const { maxAgeMs, source } = options
  if (!Number.isFinite(maxAgeMs) || maxAgeMs < 0) throw badOption('maxAgeMs', maxAgeMs, 'a number of milliseconds from 0 on')
  if (source !== undefined) checkKey(source)
  return options
}

export function resolveIndexOptions<V>(options: IndexChoice<V>): Required<Pick<IndexChoice<V>, 'by'>> & IndexChoice<V> {
  checkNames('index', options, ['by', 'sortedBy'])
  const { by, sortedBy } = options
  if ((by === undefined) === (sortedBy === undefined)) throw badOption('options of index', options, 'either { by } or { sortedBy }')
  if (by !== undefined && typeof by !== 'function') throw badOption('by', by, 'a function')
  if (sortedBy !== undefined && typeof sortedBy !== 'function') throw badOption('sortedBy', sortedBy, 'a function')
  return { by: () => undefined, ...options }
}

export function resolveSubscribeOptions(options: SubscribeOptions): { capacity: number; signal: AbortSignal | undefined } {
  checkNames('subscribe', options, ['capacity', 'signal'])
  const { capacity = 1024, signal } = options
  if (!Number.isSafeInteger(capacity) || capacity < 1) throw badOption('capacity', capacity, 'a whole number from 1 on')
  return { capacity, signal }
}

export function checkName(name: unknown, of = 'map'): string {
  if (typeof name === 'string' && name !== '' && isWellFormed(name)) return name
  throw badOption(`name of a ${of}`, name, typeof name === 'string' && name !== '' ? WHOLE : 'a non-empty string')
}

export function isKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '' && isWellFormed(key)
}

export function checkKey(key: unknown): string {
  if (isKey(key)) return key
  throw new GridError('BAD_KEY', `key is ${quote(key)}: give ${typeof key === 'string' && key !== '' ? WHOLE : 'a non-empty string'}`)
}

/** UTF-8 cannot carry half of a surrogate pair: two such texts would be one to a cluster. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

const WHOLE = 'a string without half of a surrogate pair'

export function checkTtlMs(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined || (Number.isFinite(ttlMs) && ttlMs > 0)) return ttlMs
  throw badOption('ttlMs', ttlMs, 'a number of milliseconds above 0, or leave it out')
}

export function checkMaxAgeMs(maxAgeMs: number): number {
  if (typeof maxAgeMs === 'number' && maxAgeMs >= 0) return maxAgeMs
  throw badOption('maxAgeMs', maxAgeMs, 'a number of milliseconds from 0 on')
}

export function checkVersion(version: number): number {
  if (Number.isSafeInteger(version) && version >= 0) return version
  throw badOption('expectedVersion', version, 'the version of an entry, or 0 for none')
}

/** A frozen copy of the stamp: entries are shared. */
export function checkSource(source: SourceStamp | undefined): SourceStamp | undefined {
  if (source === undefined) return undefined
  checkNames('source', source, ['epoch', 'seq'])
  const { epoch, seq } = source
  if (Number.isSafeInteger(epoch) && Number.isSafeInteger(seq)) return Object.freeze({ epoch, seq })
  throw badOption('source', source, '{ epoch, seq } with whole numbers')
}

export function checkConsistency(consistency: Consistency): Consistency {
  if (consistency === 'eventual' || consistency === 'session' || consistency === 'strong') return consistency
  throw badOption('consistency', consistency, "'eventual', 'session' or 'strong'")
}

export function checkListener(listener: unknown): void {
  if (typeof listener !== 'function') throw new GridError('BAD_OPTION', `listener is ${quote(listener)}: give a function`)
}

/** What is said of an `update` whose function is async. */
export function promiseRefused(promise: Promise<unknown>): GridError {
  // Its own failure is of no interest any more, and must not end the process.
  promise.catch(() => {})
  return new GridError('BAD_VALUE', 'update: the function returned a promise. It may run again, so it must return the value itself')
}

export function badOption(name: string, value: unknown, wanted: string): GridError {
  return new GridError('BAD_OPTION', `${name} is ${quote(value)}: give ${wanted}`)
}

function isSignal(signal: unknown): boolean {
  return signal instanceof AbortSignal || typeof (signal as Partial<AbortSignal> | null)?.throwIfAborted === 'function'
}

/** Throws `GridError` BAD_OPTION for what is no trace. */
export function checkTrace(trace: unknown): void {
  const { traceId, spanId, traceFlags } = (trace ?? {}) as Partial<TraceContext>
  if (typeof traceId === 'string' && typeof spanId === 'string' && typeof traceFlags === 'number') return
  throw badOption('trace', trace, '{ traceId, spanId, traceFlags }')
}

/** Throws `GridError` BAD_OPTION for an unknown one, and for a signal or a trace that is none. */
export function checkNames(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw badOption(`options of ${of}`, options, 'an object')
  const unknown = unknownOption(of, options, known)
  if (unknown !== undefined) throw new GridError('BAD_OPTION', unknown)
  const { signal, trace } = options as { readonly signal?: unknown; readonly trace?: unknown }
  if (signal !== undefined && !isSignal(signal)) throw badOption('signal', signal, 'an AbortSignal')
  if (trace !== undefined) checkTrace(trace)
}
