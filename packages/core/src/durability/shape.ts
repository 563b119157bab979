/** So many objects are looked at: more of them are compared slower than by a map. */
export const FEW = 12
/** As long a key is no name of a field. */
const LONGEST_KEY = 64
/** Keys that mean something to the packer, or to the engine. */
const SPECIAL: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'hasOwnProperty', 'toJSON'])

/** What a small tree of plain objects and lists looks like, whatever primitives are in it. Undefined: a primitive. */
export type Shape = ObjectShape | ListShape | undefined

export interface ObjectShape {
  readonly keys: readonly string[]
  /** What is under each key. */
  readonly below: readonly Shape[]
}

/** Of a list, what its objects look like, all of them. Undefined: it has none. */
export interface ListShape {
  readonly of: Shape
}

/**
 * The shape of a small tree of plain objects, lists and primitives in which no object is met twice: what most states are. Undefined for
 * whatever else: then there may be an actor in it, or a cycle.
 */
export function shapeOf(value: object): ObjectShape | undefined {
  const shape = learn(value, [])
  return shape !== undefined && shape !== NONE && 'keys' in shape && fits(value, shape, []) ? shape : undefined
}

/** Not a primitive, and no simple thing either. */
const NONE: ListShape = { of: undefined }

function learn(value: unknown, seen: object[]): Shape {
  if (typeof value === 'function') return NONE
  if (typeof value !== 'object' || value === null) return undefined
  if (seen.length >= FEW || seen.includes(value)) return NONE
  seen.push(value)
  if (Array.isArray(value)) {
    let of: Shape
    for (const item of value as readonly unknown[]) {
      const shape = of === undefined ? learn(item, seen) : undefined
      if (shape === NONE) return NONE
      of ??= shape
    }
    return { of }
  }
  const keys = Object.keys(value)
  if (keys.some((key) => key.length > LONGEST_KEY || SPECIAL.has(key))) return NONE
  const below = Object.values(value).map((inner) => learn(inner, seen))
  return below.includes(NONE) ? NONE : { keys, below }
}

/**
 * True for a tree of just this shape: every object has these keys in this order, and none is met twice. On the path of every checkpoint.
 * `seen`: empty.
 */
export function fits(value: object, shape: ObjectShape, seen: object[]): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  const { keys, below } = shape
  let at = 0
  for (const key in value) {
    if (key !== keys[at]) return false
    if (!isLike((value as Record<string, unknown>)[key], below[at], seen)) return false
    at += 1
  }
  return at === keys.length
}

function isLike(value: unknown, shape: Shape, seen: object[]): boolean {
  if (typeof value !== 'object' || value === null) return shape === undefined && typeof value !== 'function'
  if (shape === undefined || seen.length >= FEW || seen.includes(value)) return false
  seen.push(value)
  if ('keys' in shape) return fits(value, shape, seen)
  return Array.isArray(value) && areLike(value, shape.of, seen)
}

/** Just these: a list without an object is of another shape. */
function areLike(list: readonly unknown[], of: Shape, seen: object[]): boolean {
  let objects = 0
  for (let at = 0; at < list.length; at++) {
    const item = list[at]
    if (typeof item === 'object' && item !== null) {
      objects += 1
      if (!isLike(item, of, seen)) return false
    } else if (typeof item === 'function') return false
  }
  return objects > 0 === (of !== undefined)
}

/** The lists of keys in it, each once. */
export function keysIn(shape: Shape, found: Map<string, readonly string[]> = new Map()): readonly (readonly string[])[] {
  if (shape !== undefined) {
    if ('keys' in shape) {
      found.set(JSON.stringify(shape.keys), shape.keys)
      for (const inner of shape.below) keysIn(inner, found)
    } else keysIn(shape.of, found)
  }
  return [...found.values()]
}
