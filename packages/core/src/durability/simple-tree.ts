/** So many objects are looked at: more of them are compared slower than by a map. */
const FEW = 12

/**
 * True for a small tree of plain objects, lists and primitives in which no object is met twice: what most states are. Then it need not be
 * remembered which objects were packed, and there is no actor in it: all of them have methods.
 */
export function isSimpleTree(value: unknown, seen: object[] = []): boolean {
  if (typeof value === 'function') return false
  if (typeof value !== 'object' || value === null) return true
  if (seen.length >= FEW || seen.includes(value)) return false
  seen.push(value)
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) if (!isSimpleTree(value[at], seen)) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) if (!isSimpleTree((value as Record<string, unknown>)[key], seen)) return false
  return true
}
