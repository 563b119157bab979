import { GridError } from '../errors.ts'
import { isWellFormed } from '../options.ts'
import { MANY_NAMES } from './size-bound.ts'

/** A frozen copy of a value, and whether a Map or Set is in it (which msgpack itself does not know). */
export interface Sealed {
  readonly value: unknown
  readonly collections: boolean
}

/** Where the walk is. The chain upwards is the path of an error message, and shows a cycle. */
interface Place {
  readonly parent: Place | undefined
  /** As written in a path: `.x`, `[3]`, or the root's name. */
  readonly label: string | number
  readonly value: object
  readonly depth: number
  readonly found: { collections: boolean }
}

const DEEPEST = 100

/**
 * Copies, checks and freezes in one walk. The copy is what readers share, so a writer that goes on changing its own object
 * changes nothing, and what the codec would alter or lose is refused here: `GridError` BAD_VALUE with the path.
 * Date, Map and Set are copied with their changing methods disabled. Bytes (Uint8Array) are copied, but JavaScript cannot freeze them.
 * Not looked at: named properties of an array.
 */
export function seal(value: unknown): Sealed {
  const found = { collections: false }
  return { value: copy(value, undefined, 'value', found), collections: found.collections }
}

function copy(value: unknown, parent: Place | undefined, label: string | number, found: { collections: boolean }): unknown {
  switch (typeof value) {
    case 'number':
      // msgpackr has no -0: adding 0 makes the copy equal to what comes back.
      return Number.isNaN(value) ? refuse(parent, label, 'is NaN. Leave it out, or store null') : value + 0
    case 'string':
      return isWellFormed(value) ? value : refuse(parent, label, 'holds half of a surrogate pair, which UTF-8 cannot carry')
    case 'boolean':
    case 'bigint':
      return value
    case 'object':
      return value === null ? null : copyObject(value, parent, label, found)
    case 'undefined':
      return refuse(parent, label, 'is undefined. Leave it out, or store null')
    default:
      return refuse(parent, label, `is a ${typeof value}. Store data only`)
  }
}

function copyObject(value: object, parent: Place | undefined, label: string | number, found: { collections: boolean }): object {
  const depth = parent === undefined ? 0 : parent.depth + 1
  if (depth > DEEPEST) refuse(parent, label, `is nested deeper than ${DEEPEST} levels`)
  for (let up = parent; up !== undefined; up = up.parent) if (up.value === value) refuse(parent, label, 'contains itself')
  const here: Place = { parent, label, value, depth, found }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return copyPlain(value as Record<string, unknown>, here)
  if (prototype === Array.prototype) return copyArray(value as unknown[], here)
  if (prototype === Map.prototype) return copyMap(value as Map<unknown, unknown>, here)
  if (prototype === Set.prototype) return copySet(value as Set<unknown>, here)
  if (prototype === Date.prototype) return copyDate(value as Date, here)
  if (value instanceof Uint8Array) return new Uint8Array(value)
  return refuse(parent, label, `is a ${className(value)}. Store a plain object made from it`)
}

function copyPlain(value: Record<string, unknown>, here: Place): object {
  const result: Record<string, unknown> = {}
  const names = Object.keys(value)
  if (names.length >= MANY_NAMES)
    refuse(here.parent, here.label, `has ${names.length} names, ${MANY_NAMES} or more cannot be stored. Use a Map`)
  for (const name of names) {
    if (!isWellFormed(name)) refuse(here, name, 'has half of a surrogate pair in its name, which UTF-8 cannot carry')
    if (name === '__proto__') refuse(here, name, 'is a name that cannot be stored')
    result[name] = copy(value[name], here, name, here.found)
  }
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(here.parent, here.label, 'has a symbol for a property name')
  return Object.freeze(result)
}

function copyArray(value: readonly unknown[], here: Place): object {
  const result: unknown[] = []
  for (let at = 0; at < value.length; at++) result.push(copy(value[at], here, at, here.found))
  return Object.freeze(result)
}

function copyMap(value: ReadonlyMap<unknown, unknown>, here: Place): object {
  here.found.collections = true
  const result = new Map<unknown, unknown>()
  let at = 0
  for (const [key, item] of value) {
    result.set(copy(key, here, `key ${at}`, here.found), copy(item, here, at, here.found))
    at++
  }
  return disarm(result, ['set', 'delete', 'clear'])
}

function copySet(value: ReadonlySet<unknown>, here: Place): object {
  here.found.collections = true
  const result = new Set<unknown>()
  let at = 0
  for (const item of value) result.add(copy(item, here, at++, here.found))
  return disarm(result, ['add', 'delete', 'clear'])
}

function copyDate(value: Date, here: Place): object {
  if (Number.isNaN(value.getTime())) refuse(here.parent, here.label, 'is an invalid Date')
  return disarm(new Date(value), DATE_SETTERS)
}

const DATE_SETTERS: readonly string[] = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'))

// Object.freeze does not reach the inside of these, so the methods that change it are taken away.
function disarm<T extends object>(value: T, methods: readonly string[]): T {
  for (const name of methods) Object.defineProperty(value, name, { value: refuseChange })
  return Object.freeze(value)
}

function refuseChange(): never {
  throw new TypeError('this value is shared by all readers and cannot be changed: copy it first')
}

function refuse(parent: Place | undefined, label: string | number, reason: string): never {
  let path = ''
  let part: string | number = label
  for (let up = parent; up !== undefined; up = up.parent) {
    path = `${segment(part)}${path}`
    part = up.label
  }
  throw new GridError('BAD_VALUE', `cannot store it: ${part}${path} ${reason}`)
}

function segment(label: string | number): string {
  return typeof label === 'string' && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(label) ? `.${label}` : `[${JSON.stringify(label)}]`
}

function className(value: object): string {
  const maker: unknown = (value as { constructor?: unknown }).constructor
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'object of an unnamed class'
}

// In every engine we run on; TypeScript lists it from es2024 on.
