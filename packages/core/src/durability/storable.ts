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
