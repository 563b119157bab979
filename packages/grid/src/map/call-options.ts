import type { ReadOptions, WriteOptions } from '../grid.ts'
import { checkNames } from '../options.ts'

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

/** The signal of options of a write. Throws `GridError` BAD_OPTION for an unknown one. */
export function signalOfWrite(of: string, options: WriteOptions): AbortSignal | undefined {
  checkWrite(of, options)
  return options.signal
}
