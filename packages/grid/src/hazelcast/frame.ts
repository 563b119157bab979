/**
 * What stands before the envelope of every value this backend stores: the facts each process needs of each write, at fixed
 * places, so that an event costs no unpacking. It is itself a msgpack object (ext 8, type 83), so a stored value is three of
 * them, one after the other: this, the envelope's header, the value.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md#ext-format-family
 */
export interface Frame {
  /** A remove leaves a mark, so that a late write does not bring the key back unseen. */
  readonly kind: 'put' | 'remove'
  readonly version: number
  /** One opening of a grid, and which of its writes to this map: finds a write again whose answer was lost. */
  readonly session: string
  readonly number: number
  /** The writer's monotonic clock at the commit. Comparable only with other stamps of its session. */
  readonly stampMs: number
  readonly ttlMs: number | undefined
  /** The envelope. */
  readonly bytes: Uint8Array
}

/** A frame of this process, and the bytes it was sent as. */
export interface SentFrame extends Frame {
  readonly stored: Buffer
}

const EXT_8 = 0xc7
const TYPE = 83
const KINDS = ['put', 'remove'] as const
/** Two bytes of ext 8 and its length, the type, the kind, four numbers; then the session. */
const SESSION_AT = 36
const NUMBERS = { version: 4, number: 12, stampMs: 20, ttlMs: 28 } as const

/** Versions above this come from no clock there is. */
export const HIGHEST_VERSION = 9_000_000_000_000_000

/** Of all before the envelope. */
export function frameBytes(session: string): number {
  return SESSION_AT + Buffer.byteLength(session)
}

export function packFrame(frame: Frame): Buffer {
  const room = frameBytes(frame.session)
  const packed = Buffer.allocUnsafe(room + frame.bytes.length)
  packed.set(frame.bytes, room)
  return packFrameBefore(packed, frame)
}

/** Fills in the `frameBytes` that are free before the envelope. */
export function packFrameBefore(packed: Buffer, { kind, version, session, number, stampMs, ttlMs }: Omit<Frame, 'bytes'>): Buffer {
  packed[0] = EXT_8
  packed[1] = SESSION_AT - 3 + packed.write(session, SESSION_AT)
  packed[2] = TYPE
  packed[3] = KINDS.indexOf(kind)
  packed.writeDoubleBE(version, NUMBERS.version)
  packed.writeDoubleBE(number, NUMBERS.number)
  packed.writeDoubleBE(stampMs, NUMBERS.stampMs)
  packed.writeDoubleBE(ttlMs ?? 0, NUMBERS.ttlMs)
  return packed
}

/** Undefined for what was not stored by this backend, or is damaged. */
export function readFrame(stored: unknown): Frame | undefined {
  if (!Buffer.isBuffer(stored) || stored.length < SESSION_AT || stored[0] !== EXT_8 || stored[2] !== TYPE) return undefined
  const end = (stored[1] as number) + 3
  const kind = KINDS[stored[3] as number]
  if (kind === undefined || end < SESSION_AT || end > stored.length) return undefined
  const version = stored.readDoubleBE(NUMBERS.version)
  const number = stored.readDoubleBE(NUMBERS.number)
  const ttlMs = stored.readDoubleBE(NUMBERS.ttlMs)
  if (!(version > 0 && version <= HIGHEST_VERSION) || !(number > 0) || !(ttlMs >= 0)) return undefined
  const session = stored.toString('utf8', SESSION_AT, end)
  return {
    kind,
    version,
    session,
    number,
    stampMs: stored.readDoubleBE(NUMBERS.stampMs),
    ttlMs: ttlMs === 0 ? undefined : ttlMs,
    bytes: stored.subarray(end),
  }
}

/** Its number, if it is a frame at all. */
export function numberOf(stored: unknown): number {
  return Buffer.isBuffer(stored) && stored.length >= SESSION_AT ? stored.readDoubleBE(NUMBERS.number) : 0
}

/** What stands behind the frame. */
export function envelopeOf(stored: Buffer): Uint8Array {
  return stored.subarray((stored[1] as number) + 3)
}

/** Without reading the rest of it. */
export function hasVersion(stored: Buffer, version: number): boolean {
  return stored.length >= SESSION_AT && stored.readDoubleBE(NUMBERS.version) === version
}

/** The same stored value under another version. */
export function restamp(stored: Buffer, version: number): Buffer {
  const copy = Buffer.from(stored)
  copy.writeDoubleBE(version, NUMBERS.version)
  return copy
}
