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
  /** Its writer hears no changes of the map, so it does not see what it replaced: those who hear look after its place. */
  readonly unheard: boolean
  /** The envelope. */
  readonly bytes: Uint8Array
}

/** A frame of this process, and the bytes it was sent as, behind `WIRE_HEAD` others. */
export interface SentFrame extends Frame {
  readonly packed: Buffer
}

const EXT_8 = 0xc7
const TYPE = 83
/** The byte after the type: which kind, and whether it is unheard. */
const KINDS = ['put', 'remove'] as const
const UNHEARD = 2
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

/** Fills in the `frameBytes` that are free before the envelope, from `at` on. */
export function packFrameBefore(
  packed: Buffer,
  { kind, version, session, number, stampMs, ttlMs, unheard }: Omit<Frame, 'bytes'>,
  at = 0,
): Buffer {
  packed[at] = EXT_8
  packed[at + 1] = SESSION_AT - 3 + packed.write(session, at + SESSION_AT)
  packed[at + 2] = TYPE
  packed[at + 3] = KINDS.indexOf(kind) | (unheard ? UNHEARD : 0)
  packed.writeDoubleBE(version, at + NUMBERS.version)
  packed.writeDoubleBE(number, at + NUMBERS.number)
  packed.writeDoubleBE(stampMs, at + NUMBERS.stampMs)
  packed.writeDoubleBE(ttlMs ?? 0, at + NUMBERS.ttlMs)
  return packed
}

/** Undefined for what was not stored by this backend, or is damaged. */
export function readFrame(stored: unknown): Frame | undefined {
  if (!Buffer.isBuffer(stored) || stored.length < SESSION_AT || stored[0] !== EXT_8 || stored[2] !== TYPE) return undefined
  const end = (stored[1] as number) + 3
  const facts = stored[3] as number
  const kind = KINDS[facts & ~UNHEARD]
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
    unheard: (facts & UNHEARD) !== 0,
    bytes: stored.subarray(end),
  }
}

/** Its number, if it is a frame at all. */
export function numberOf(stored: unknown): number {
  return Buffer.isBuffer(stored) && stored.length >= SESSION_AT ? stored.readDoubleBE(NUMBERS.number) : 0
}

/** What stands behind the frame that begins there. */
export function envelopeOf(packed: Buffer, at: number): Uint8Array {
  return packed.subarray(at + (packed[at + 1] as number) + 3)
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
