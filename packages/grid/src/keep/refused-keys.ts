import { isGridError, quote, type GridErrorCode } from '../errors.ts'
import { isStoreError, StoreError, type StoreErrorCode } from '../store/errors.ts'

/** Keys whose value or record is of no use as it is, with the reason. */
export interface RefusedKeys {
  readonly size: number
  add(key: string, error: unknown): void
  /** It changed: there is something new to try. */
  delete(key: string): void
  /** Throws a `StoreError` that names the keys, or only this one, if there are any. */
  check(key?: string): void
}

/** How many are named in an error. */
const NAMED = 10

/** `what` cannot be done with them, for the error: `stored`. */
export function refusedKeys(map: string, what: string): RefusedKeys {
  const refused = new Map<string, unknown>()
  return {
    get size() {
      return refused.size
    },
    add: (key, error) => void refused.set(key, error),
    delete: (key) => void refused.delete(key),
    check(key) {
      const told = key === undefined ? [...refused.keys()] : refused.has(key) ? [key] : []
      if (told.length === 0) return
      const cause = refused.get(told[0] as string)
      const more = told.length > NAMED ? ` and ${told.length - NAMED} more` : ''
      const names = told.slice(0, NAMED).map(quote).join(', ') + more
      const text = `${told.length} keys of map ${map} cannot be ${what}: ${names}; of the first: ${(cause as Error).message}`
      throw new StoreError(isStoreError(cause) ? cause.code : 'STORE_FAILED', text, { cause })
    },
  }
}

/** Whether the same write can never succeed: an id or value the store does not take, or a stored value that this release must leave. */
export function forGood(error: unknown): boolean {
  return isStoreError(error, 'BAD_ID') || isStoreError(error, 'BAD_OPTION') || (error instanceof Error && error.name === 'GridError')
}

const WHOLE: readonly StoreErrorCode[] = [
  'STORE_UNREACHABLE',
  'STORE_TIMEOUT',
  'STORE_FULL',
  'STORE_ACCESS',
  'STORE_BUSY',
  'STORE_CLOCK',
  'CLOSED',
]

/** Whether it is likely so for every key. */
export function ofTheStore(error: unknown): boolean {
  return isStoreError(error) && WHOLE.includes(error.code)
}

const RECORD: readonly GridErrorCode[] = [
  'BAD_VALUE',
  'VALUE_TOO_LARGE',
  'BAD_ENVELOPE',
  'NEWER_FORMAT',
  'NEWER_SCHEMA',
  'NO_UPGRADE',
  'UPGRADE_FAILED',
]

/** Whether this one stored record cannot be an entry of the map: others can. */
export function ofTheRecord(error: unknown): boolean {
  return isGridError(error) && RECORD.includes(error.code)
}
