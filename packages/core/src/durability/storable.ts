/** Whose objects come back as they were. */
const EXACT: ReadonlySet<unknown> = new Set<unknown>([
  ...[Object, Array, Date, RegExp, ArrayBuffer, Map, Set, Error, TypeError, RangeError].map(({ prototype }) => prototype as unknown),
  ...[Uint8Array, Uint8ClampedArray, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array].map(({ prototype }) => prototype),
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView].map(({ prototype }) => prototype),
])

/** Of an error, what the packer keeps besides its class. */
const OF_ERRORS: ReadonlySet<string> = new Set(['stack', 'message', 'cause'])

/**
 * How a value comes back from the store. `same`: nobody can tell that it was there. `alike`: in another form that says as much, such as an
 * error without its class, 0 for -0, undefined for a hole. `lost`: not as what it was, such as a function, an object of a class, a name that
 * is a symbol.
 */
export type Lasting = 'same' | 'alike' | 'lost'

/** How it comes back: as bad as the worst of its parts. On the path of each effect, so plain objects go the shortest way. */
export function lasting(value: unknown, seen?: Set<object>): Lasting {
  switch (typeof value) {
    case 'string':
      return isWhole(value) ? 'same' : 'alike'
    case 'number':
      return Object.is(value, -0) ? 'alike' : 'same'
    case 'function':
    case 'symbol':
      return 'lost'
    case 'object':
      return value === null || seen?.has(value) === true ? 'same' : ofObject(value, (seen ?? new Set()).add(value))
    default:
      return 'same'
  }
}

function ofObject(value: object, seen: Set<object>): Lasting {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return ofKind(value, EXACT.has(prototype), seen)
  let worst: Lasting = prototype === null ? 'alike' : 'same'
  for (const name in value) {
    if (name === '__proto__') return 'lost'
    if (!isWhole(name)) worst = 'alike'
    const found = lasting((value as Record<string, unknown>)[name], seen)
    if (found === 'lost') return found
    if (found === 'alike') worst = found
  }
  return hasSymbols(value) ? 'lost' : worst
}

/** `exact`: its class comes back. */
function ofKind(value: object, exact: boolean, seen: Set<object>): Lasting {
  // A Buffer is bytes.
  if (ArrayBuffer.isView(value)) return exact ? 'same' : 'alike'
  if (value instanceof Error) {
    // What it carries comes with it, but for what cannot be stored.
    const isPlain = exact && Object.getOwnPropertyNames(value).every((name) => OF_ERRORS.has(name))
    return isPlain && lasting(value.cause, seen) === 'same' ? 'same' : 'alike'
  }
  if (!exact || hasSymbols(value)) return 'lost'
  if (value instanceof Map) return worstOf(value.values(), worstOf(value.keys(), 'same', seen), seen)
  if (value instanceof Set) return worstOf(value, 'same', seen)
  if (!Array.isArray(value)) return Object.keys(value).length === 0 ? 'same' : 'lost'
  const { length } = Object.keys(value)
  return length > value.length ? 'lost' : worstOf(value, length < value.length ? 'alike' : 'same', seen)
}

function worstOf(values: Iterable<unknown>, own: Lasting, seen: Set<object>): Lasting {
  let worst = own
  if (worst === 'lost') return worst
  for (const inner of values) {
    const found = lasting(inner, seen)
    if (found === 'lost') return found
    if (found === 'alike') worst = found
  }
  return worst
}

function hasSymbols(value: object): boolean {
  return Object.getOwnPropertySymbols(value).length > 0
}

/** Half of a surrogate pair is none. */
function isWhole(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
