const KEPT: ReadonlySet<object | null> = new Set<object | null>([
  null,
  Object.prototype,
  Array.prototype,
  Date.prototype,
  RegExp.prototype,
  ArrayBuffer.prototype,
  Error.prototype,
  TypeError.prototype,
  RangeError.prototype,
])

/**
 * True if the value comes back from the store as what it was. A function does not, nor what has a class of its own: an agent whose state
 * holds one may be restored without it, but must not lose it while it runs.
 */
export function isStorable(value: unknown, seen: Set<object> = new Set()): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null || seen.has(value)) return true
  seen.add(value)
  if (ArrayBuffer.isView(value)) return true
  if (value instanceof Map) {
    for (const [key, inner] of value) if (!isStorable(key, seen) || !isStorable(inner, seen)) return false
    return true
  }
  if (value instanceof Set) {
    for (const inner of value) if (!isStorable(inner, seen)) return false
    return true
  }
  if (!KEPT.has(Object.getPrototypeOf(value) as object | null)) return false
  for (const key in value) if (!isStorable((value as Record<string, unknown>)[key], seen)) return false
  return true
}

const EXACT: ReadonlySet<object | null> = new Set<object | null>([
  ...[...KEPT].filter((prototype) => prototype !== null),
  Map.prototype,
  Set.prototype,
  ...[Uint8Array, Uint8ClampedArray, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array].map(({ prototype }) => prototype),
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView].map(({ prototype }) => prototype),
])

/** Of an error, what the packer keeps besides its class. */
const OF_ERRORS: ReadonlySet<string> = new Set(['stack', 'message', 'cause'])

/**
 * True if it comes back just as it was, so that nobody can tell that an agent has slept. Besides what `isStorable` refuses: an error with
 * properties of its own (`code`), a subclass (Buffer), holes, names that are symbols, -0, half of a surrogate pair.
 */
export function comesBackSame(value: unknown, seen: Set<object> = new Set()): boolean {
  if (typeof value === 'string') return (value as string & { isWellFormed(): boolean }).isWellFormed()
  if (typeof value === 'number') return !Object.is(value, -0)
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null || seen.has(value)) return true
  seen.add(value)
  if (!EXACT.has(Object.getPrototypeOf(value) as object | null) || Object.getOwnPropertySymbols(value).length > 0) return false
  if (ArrayBuffer.isView(value)) return true
  const same = (inner: unknown): boolean => comesBackSame(inner, seen)
  if (value instanceof Error) return Object.getOwnPropertyNames(value).every((name) => OF_ERRORS.has(name)) && same(value.cause)
  if (value instanceof Map) return [...value].every(([key, inner]) => same(key) && same(inner))
  if (value instanceof Set) return [...value].every(same)
  if (Array.isArray(value)) return Object.keys(value).length === value.length && value.every(same)
  return !Object.hasOwn(value, '__proto__') && Object.entries(value).every(([name, inner]) => same(name) && same(inner))
}
