import { TelemetryError } from './errors.ts'
import { quote } from './options.ts'

/**
 * The object given for `what`, with no other fields than it has: a misspelt option would else be silently without effect.
 * Throws `TelemetryError` BAD_OPTION.
 */
export function fields<T extends object>(what: string, given: unknown, known: Readonly<Record<keyof T, true>>): T {
  const names = Object.keys(known).join(', ')
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TelemetryError('BAD_OPTION', `${what} is ${quote(given)}: give an object with any of ${names}`)
  }
  const wrong = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (wrong !== undefined) throw new TelemetryError('BAD_OPTION', `${what} has no option ${quote(wrong)}: it has ${names}`)
  return given as T
}

/** An array of objects that have that method. Throws `TelemetryError` BAD_OPTION. */
export function listOf<T>(what: string, given: unknown, method: string): readonly T[] {
  if (given === undefined) return []
  const has = (item: unknown): boolean => typeof (item as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function'
  if (Array.isArray(given) && given.every(has)) return given as readonly T[]
  const wrong = Array.isArray(given) ? given.find((item) => !has(item)) : given
  throw new TelemetryError('BAD_OPTION', `${what} is or holds ${quote(wrong)}: give an array of objects with a method ${method}`)
}

/** A function, or nothing. Throws `TelemetryError` BAD_OPTION. */
export function functionOf<F extends (...args: never[]) => unknown>(what: string, given: F | undefined): F | undefined {
  if (given === undefined || typeof given === 'function') return given
  throw new TelemetryError('BAD_OPTION', `${what} is ${quote(given)}: give a function`)
}

/** A clock, checked for what is asked of it. Throws `TelemetryError` BAD_OPTION. */
export function clockOf<C extends object>(what: string, given: C): C {
  const { now, wallNow } = (given ?? {}) as { readonly now?: unknown; readonly wallNow?: unknown }
  if (typeof now === 'function' && typeof wallNow === 'function') return given
  throw new TelemetryError('BAD_OPTION', `${what} is ${quote(given)}: give a clock such as systemClock()`)
}
