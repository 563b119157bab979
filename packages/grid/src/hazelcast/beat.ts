import { schemaFromJson, schemaToJson } from './marks.ts'
import type { Announcement } from './own-writes.ts'

/** What a process tells all others, many times a second (DESIGN section 4). Maps, as a name may be that of a property of every object. */
export interface Beat {
  /** Counts the beats of a session, from 1 on. */
  readonly id: number
  /** The sender's monotonic clock. */
  readonly stampMs: number
  /** The newest beat heard of each session. */
  readonly saw: ReadonlyMap<string, number>
  /** Of each map it has written to. */
  readonly maps: ReadonlyMap<string, Announcement>
  /** Numbers it misses, by session and map. */
  readonly wants: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>
  /** Of each of its maps that may hold what not everybody can read: the highest schema version there, or Infinity. */
  readonly schemas: ReadonlyMap<string, number>
  /** The last one: it writes no more. */
  readonly end: boolean
}

/** As JSON, with short names: it is sent often. */
export function packBeat({ id, stampMs, saw, maps, wants, schemas, end }: Beat): string {
  const s = Object.fromEntries(saw)
  const m = Object.fromEntries(Array.from(maps, ([name, { n, ended, voids, named, floor }]) => [name, [n, ended, voids, named, floor]]))
  const w = Object.fromEntries(Array.from(wants, ([session, byMap]) => [session, Object.fromEntries(byMap)]))
  const v = schemas.size === 0 ? undefined : Object.fromEntries(Array.from(schemas, ([name, schema]) => [name, schemaToJson(schema)]))
  return JSON.stringify({ i: id, t: stampMs, s, m, w, v, e: end ? 1 : 0 })
}

/** Undefined for what is no beat, or one of a release that says it otherwise. */
export function readBeat(text: unknown): Beat | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const { i, t, s, m, w, v = {}, e } = JSON.parse(text) as Record<string, unknown>
    if (!Number.isSafeInteger(i) || typeof t !== 'number' || !isObject(s) || !isObject(m) || !isObject(w)) return undefined
    const saw = new Map(Object.entries(s).map(([session, id]) => [session, toNumber(id)]))
    const maps = new Map(Object.entries(m).map(([name, parts]) => [name, toAnnouncement(parts)]))
    const wanted = (byMap: unknown) => new Map(Object.entries(toObject(byMap)).map(([map, numbers]) => [map, toNumbers(numbers)]))
    const wants = new Map(Object.entries(w).map(([session, byMap]) => [session, wanted(byMap)]))
    const schemas = new Map(Object.entries(toObject(v)).map(([name, schema]) => [name, schemaFromJson(schema)]))
    return { id: i as number, stampMs: t, saw, maps, wants, schemas, end: e === 1 }
  } catch {
    return undefined
  }
}

function toAnnouncement(parts: unknown): Announcement {
  const [n, ended, voids, named, floor] = toList(parts)
  return { n: toNumber(n), ended: toNumber(ended), voids: toNumbers(voids), named: toList(named).map(toNamed), floor: toNumber(floor) }
}

function toNamed(pair: unknown): [number, string] {
  const [number, key] = toList(pair)
  if (typeof key !== 'string') throw new TypeError('no beat')
  return [toNumber(number), key]
}

function toNumbers(value: unknown): number[] {
  return toList(value).map(toNumber)
}

function toNumber(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError('no beat')
  return value as number
}

function toList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('no beat')
  return value
}

function toObject(value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new TypeError('no beat')
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
