import type { Entry, Stamps } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import type { Merge } from '../grid.ts'
import { seal, type Sealed } from './seal.ts'

/** An entity with its attributes, as `merge: 'per-attribute'` takes it. */
interface Entity {
  readonly attributes: Readonly<Record<string, unknown>>
}

/** A write as it meets what is there. */
export interface Incoming {
  readonly writer: string
  readonly stamps: Stamps
  readonly sealed: Sealed
}

/** What is to be stored, or undefined: what is there stays. */
export type Merged = { readonly sealed: Sealed; readonly stamps: Stamps } | undefined

/** The first stamps of a write: all its attributes are as new as itself. Throws `GridError` BAD_VALUE for what has none. */
export function firstStamps<V>(merge: Merge<V>, at: number, value: unknown): Stamps {
  if (merge !== 'per-attribute') return frozen(at, undefined)
  if (!isEntity(value)) {
    throw new GridError('BAD_VALUE', `merge 'per-attribute' needs a value { entityId, attributes, ts }; this is ${quote(value)}`)
  }
  return frozen(at, Object.fromEntries(Object.keys(value.attributes).map((name) => [name, at])))
}

/** Where two blind writes meet. Pure, and for the two named ways: whichever of the two comes first, the end is the same. */
export function mergeWrites<V>(merge: Merge<V>, current: Entry<V>, incoming: Incoming): Merged {
  const { sealed, stamps } = incoming
  const won = isLater(stamps.at, incoming.writer, current.stamps?.at, current.writer)
  if (merge === 'last-writer-wins') return won ? { sealed, stamps } : undefined
  if (merge === 'per-attribute') return mergeAttributes(current, incoming, won)
  const value: unknown = merge(current.value, sealed.value as V)
  return { sealed: seal(value), stamps: frozen(Math.max(stamps.at, current.stamps?.at ?? 0), undefined) }
}

/** Is a write with this stamp later than another one? Equal stamps are told apart by the writers' ids. An unstamped one is earliest. */
export function isLater(at: number, writer: string, otherAt: number | undefined, otherWriter: string): boolean {
  if (otherAt === undefined || at === otherAt) return otherAt === undefined || writer >= otherWriter
  return at > otherAt
}

function mergeAttributes<V>(current: Entry<V>, { sealed, stamps, writer }: Incoming, won: boolean): Merged {
  const held: unknown = current.value
  // Stored by a process that opened the map without `merge`: nothing to merge with.
  if (!isEntity(held)) return won ? { sealed, stamps } : undefined
  const given = sealed.value as Entity
  const heldStamps = current.stamps?.attributes ?? {}
  const attributes: Record<string, unknown> = { ...held.attributes }
  const times: Record<string, number> = { ...heldStamps }
  let news = false
  for (const [name, value] of Object.entries(given.attributes)) {
    const heldAt = Object.hasOwn(heldStamps, name) ? heldStamps[name] : undefined
    if (!isLater(stamps.at, writer, heldAt, current.writer)) continue
    attributes[name] = value
    times[name] = stamps.at
    news = true
  }
  // What stands beside the attributes (entityId, ts) comes whole from the later write.
  if (!news && !won) return undefined
  const rest = won ? given : held
  return {
    sealed: seal({ ...rest, attributes }),
    stamps: frozen(Math.max(stamps.at, current.stamps?.at ?? 0), times),
  }
}

// They are part of an entry, which all readers share.
function frozen(at: number, attributes: Record<string, number> | undefined): Stamps {
  return Object.freeze({ at, attributes: attributes === undefined ? undefined : Object.freeze(attributes) })
}

function isEntity(value: unknown): value is Entity {
  if (typeof value !== 'object' || value === null || !('attributes' in value)) return false
  const { attributes } = value
  return typeof attributes === 'object' && attributes !== null && Object.getPrototypeOf(attributes) === Object.prototype
}
