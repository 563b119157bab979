import { Packr } from 'msgpackr'
import type { WriteId } from '../driver.ts'
import type { SourceStamp, Stamps } from './entry.ts'
import { GridError, quote } from '../errors.ts'
import type { Sealed } from './seal.ts'
import { copyTrace, type TraceContext } from './trace.ts'

/**
 * Version of the envelope's layout, its first field for ever. Format 1 had no write id and no stamps, and is read as that.
 * A reader refuses a newer one and leaves it untouched (I9).
 */
export const ENVELOPE_FORMAT = 2

/** What is known of a stored value without unpacking the value. */
export interface Header {
  readonly schemaVersion: number
  readonly version: number
  readonly writer: string
  /** The writer's monotonic clock at the commit, in milliseconds. Comparable only with other stamps of the same writer. */
  readonly stampMs: number
  readonly ttlMs: number | undefined
  readonly source: SourceStamp | undefined
  readonly trace: TraceContext | undefined
  /** Undefined in format 1. */
  readonly writeId: WriteId | undefined
  /** Set in maps with `merge`. */
  readonly stamps: Stamps | undefined
}

/** A stored object: its header, and the packed value, or undefined in the mark a remove leaves. */
export interface Envelope {
  readonly header: Header
  readonly body: Uint8Array | undefined
}

/**
 * The only code that packs. A stored object is two msgpack objects, one after the other: first the header, the array
 * `[format, schema_version, version, writer, stampMs, ttlMs, [epoch, seq], [traceId, spanId, traceFlags, planId?], [session, number],
 * [stamp, { attribute: stamp }]]`, nil for what is absent; then the value. So the header can be read, and the value refused, without unpacking it.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export interface Codec {
  packValue(sealed: Sealed): Uint8Array
  /** Behind so many bytes that are free for the caller. @default 0 */
  pack(header: Header, body: Uint8Array | undefined, room?: number): Buffer
  /** Throws `GridError` BAD_ENVELOPE or NEWER_FORMAT. */
  read(bytes: Uint8Array): Envelope
  /** Unpacks a value, not frozen. Throws `GridError` BAD_ENVELOPE. */
  readValue(body: Uint8Array): unknown
}

export function createCodec(): Codec {
  // No records: their shapes would have to be shared between processes. moreTypes: Set, typed arrays and large bigint survive.
  // toJSON is a name like any other here: a sealed value holds no functions.
  const packr = new Packr({ useRecords: false, moreTypes: true, useToJSON: false })
  return {
    packValue: ({ value, collections }) => packr.pack(collections ? wrapCollections(value) : value),
    pack(header, body, room = 0) {
      const head = packr.pack(toFields(header))
      if (body === undefined && room === 0) return head
      const packed = Buffer.allocUnsafe(room + head.length + (body?.length ?? 0))
      packed.set(head, room)
      if (body !== undefined) packed.set(body, room + head.length)
      return packed
    },
    read(bytes) {
      const [fields, end] = reading(bytes, () => readFirst(packr, bytes))
      return { header: toHeader(fields), body: end < bytes.length ? bytes.subarray(end) : undefined }
    },
    readValue: (body) => reading(body, () => unwrapCollections(packr.unpack(body))),
  }
}

function readFirst(packr: Packr, bytes: Uint8Array): readonly [fields: unknown, end: number] {
  let first: readonly [unknown, number] = [undefined, 0]
  packr.unpackMultiple(bytes, (fields, _start, end = bytes.length) => {
    first = [fields, end]
    return false
  })
  return first
}

function reading<T>(bytes: Uint8Array, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new GridError('BAD_ENVELOPE', `${bytes.length} stored bytes cannot be unpacked`, { cause })
  }
}

function toFields({ schemaVersion, version, writer, stampMs, ttlMs, source, trace, writeId, stamps }: Header): readonly unknown[] {
  return [
    ENVELOPE_FORMAT,
    schemaVersion,
    version,
    writer,
    stampMs,
    ttlMs ?? null,
    source === undefined ? null : [source.epoch, source.seq],
    trace === undefined ? null : traceFields(trace),
    writeId === undefined ? null : [writeId.session, writeId.number],
    stamps === undefined ? null : [stamps.at, stamps.attributes ?? null],
  ]
}

function toHeader(fields: unknown): Header {
  if (!Array.isArray(fields) || !Number.isSafeInteger(fields[0])) throw damaged(fields)
  const [format, schemaVersion, version, writer, stampMs, ttlMs, source, trace, writeId, stamps] = fields as unknown[]
  if (format !== 1 && format !== ENVELOPE_FORMAT) {
    throw new GridError('NEWER_FORMAT', `stored in envelope format ${quote(format)}; this release knows 1 to ${ENVELOPE_FORMAT}`)
  }
  const sound =
    Number.isSafeInteger(schemaVersion) && Number.isSafeInteger(version) && typeof writer === 'string' && typeof stampMs === 'number'
  if (!sound) throw damaged(fields)
  return {
    schemaVersion: schemaVersion as number,
    version: version as number,
    writer,
    stampMs,
    ttlMs: typeof ttlMs === 'number' ? ttlMs : undefined,
    source: Array.isArray(source) ? Object.freeze({ epoch: source[0] as number, seq: source[1] as number }) : undefined,
    trace: Array.isArray(trace) ? toTrace(trace) : undefined,
    writeId: Array.isArray(writeId) ? Object.freeze({ session: writeId[0] as string, number: writeId[1] as number }) : undefined,
    stamps: toStamps(stamps),
  }
}

function traceFields({ traceId, spanId, traceFlags, planId }: TraceContext): readonly unknown[] {
  return planId === undefined ? [traceId, spanId, traceFlags] : [traceId, spanId, traceFlags, planId]
}

function toTrace([traceId, spanId, traceFlags, planId]: readonly unknown[]): TraceContext {
  const plan = typeof planId === 'string' ? planId : undefined
  return copyTrace({ traceId: traceId as string, spanId: spanId as string, traceFlags: traceFlags as number, planId: plan })
}

function toStamps(stamps: unknown): Stamps | undefined {
  if (!Array.isArray(stamps) || !Number.isSafeInteger(stamps[0])) return undefined
  const [at, attributes] = stamps as [number, unknown]
  return Object.freeze({ at, attributes: isPlain(attributes) ? Object.freeze(attributes as Record<string, number>) : undefined })
}

function damaged(fields: unknown): GridError {
  return new GridError('BAD_ENVELOPE', `stored bytes are no envelope: ${quote(fields)}`)
}

/**
 * msgpack cannot tell a Map from an object, so a Map or a Set travels as a Set of two: its kind and its items.
 * Every Set in the packed form is such a wrapper, so nothing a user stores can be mistaken for one.
 */
function wrapCollections(value: unknown): unknown {
  if (value instanceof Map) return new Set<unknown>(['map', [...value].map((pair) => pair.map(wrapCollections))])
  if (value instanceof Set) return new Set<unknown>(['set', [...value].map(wrapCollections)])
  if (Array.isArray(value)) return value.map(wrapCollections)
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, wrapCollections(child)]))
}

/** Changes what was just unpacked and belongs to nobody else yet. */
function unwrapCollections(value: unknown): unknown {
  if (value instanceof Set) {
    const [kind, items] = [...value] as [string, unknown[]]
    const unwrapped = items.map(unwrapCollections)
    return kind === 'map' ? new Map(unwrapped as [unknown, unknown][]) : new Set(unwrapped)
  }
  if (Array.isArray(value)) return value.map(unwrapCollections)
  if (isPlain(value))
    for (const name of Object.keys(value)) if (typeof value[name] === 'object') value[name] = unwrapCollections(value[name])
  return value
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
