import { quote } from '../check.ts'
import { lasting } from './storable.ts'

/**
 * Says where in a value is what would not come back from the store, and what it is. Undefined: all of it would.
 * `name`: of the value.
 */
export function lostIn(name: string, value: unknown): string | undefined {
  return lasting(value) === 'lost' ? placeOf(name, value, new Set()) : undefined
}

function placeOf(name: string, value: unknown, seen: Set<unknown>): string {
  seen.add(value)
  for (const [place, inner] of partsOf(name, value)) {
    if (!seen.has(inner) && lasting(inner) === 'lost') return placeOf(place, inner, seen)
  }
  return `${name} is ${kindOf(value)}`
}

function* partsOf(name: string, value: unknown): Iterable<readonly [place: string, inner: unknown]> {
  if (value instanceof Map) {
    for (const [key, inner] of value) {
      yield [`a key of ${name}`, key]
      yield [`${name}.get(${quote(key)})`, inner]
    }
  } else if (value instanceof Set) {
    for (const inner of value) yield [`an item of ${name}`, inner]
  } else if (typeof value === 'object' && value !== null) {
    const isList = Array.isArray(value)
    for (const [key, inner] of Object.entries(value)) yield [isList ? `${name}[${key}]` : `${name}.${key}`, inner]
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return quote(value)
  if (Object.getOwnPropertySymbols(value).length > 0) return 'an object with a symbol for a name'
  if (Object.hasOwn(value, '__proto__')) return 'an object with something named __proto__'
  if (Array.isArray(value)) return 'an array with names beside its items'
  const { constructor } = value as { readonly constructor?: unknown }
  return `an object of a class (${typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'anonymous'})`
}
