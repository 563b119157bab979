import type { ReadOptions, WriteOptions } from '../grid.ts'
import { badOption, checkNames } from '../options.ts'

/** A call without options: known by being this, so that the most frequent calls pay nothing for the check of names. */
export const NONE: Record<string, never> = Object.freeze({})

const READ = ['consistency', 'maxAgeMs', 'signal'] as const satisfies readonly (keyof ReadOptions)[]
const WRITE = ['ttlMs', 'consistency', 'source', 'trace', 'signal'] as const satisfies readonly (keyof WriteOptions)[]
const REMOVE = ['trace', 'signal'] as const satisfies readonly (keyof WriteOptions)[]

/** The signal of options of a read. Throws `GridError` BAD_OPTION for an unknown one. */
export function signalOfRead(of: string, options: ReadOptions): AbortSignal | undefined {
  if (options !== NONE) checkNames(of, options, READ)
  return options.signal
}

/** Throws `GridError` BAD_OPTION for an unknown one. */
export function checkWrite(of: string, options: WriteOptions): void {
  if (options !== NONE) checkNames(of, options, WRITE)
}

/** Throws `GridError` BAD_OPTION for an unknown one. */
export function checkRemove(of: string, options: WriteOptions): void {
  if (options !== NONE) checkNames(of, options, REMOVE)
}

/** The signal of options of a clear. Throws `GridError` BAD_OPTION for an unknown one. */
export function signalOfClear(options: Pick<WriteOptions, 'signal'>): AbortSignal | undefined {
  if (options !== NONE) checkNames('clear', options, ['signal'])
  return options.signal
}

/** The signal of options of an update. Throws `GridError` BAD_OPTION for an unknown one, and for a function that is none. */
export function signalOfUpdate(fn: unknown, options: WriteOptions): AbortSignal | undefined {
  checkWrite('update', options)
  if (typeof fn !== 'function') throw badOption('the function of update', fn, 'a function')
  return options.signal
}

/** Pairs of a key and a value. Throws `GridError` BAD_OPTION for what is none: a plain object would be written as nothing. */
export function pairsOf<V>(values: Iterable<readonly [key: string, value: V]>): readonly (readonly [key: string, value: V])[] {
  const wants = 'pairs of a key and a value: a Map, or a list of lists'
  const given = values as Partial<Iterable<unknown>> | null | undefined
  if (typeof given !== 'object' || typeof given?.[Symbol.iterator] !== 'function') throw badOption('values of putAll', values, wants)
  const pairs = Array.from(values)
  for (const pair of pairs as readonly unknown[]) if (!Array.isArray(pair)) throw badOption('one of the values of putAll', pair, wants)
  return pairs
}
