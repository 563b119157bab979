import type { Packr } from 'msgpackr'
import type { Header } from './codec.ts'

/** A packed header of one writer, in which only numbers are still to be filled in: each a msgpack float 64. */
export interface HeadForm {
  readonly schemaVersion: number
  readonly writer: string
  readonly session: string
  readonly bytes: Buffer
  readonly at: { readonly version: number; readonly stampMs: number; readonly number: number; readonly ttlMs: number | undefined }
}

const ARRAY_10 = Buffer.from([0x9a])
const ARRAY_2 = Buffer.from([0x92])
const NIL = Buffer.from([0xc0])
const FLOAT_64 = Buffer.from([0xcb, 0, 0, 0, 0, 0, 0, 0, 0])

/**
 * Most writes carry no source, trace or stamps. All but four numbers of their header is then the same for one writer, so it is packed
 * once and copied. What is read is the same array as ever.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md#float-format-family
 */
export class HeadForms {
  readonly #packr: Packr
  readonly #format: number
  #lasting: HeadForm | undefined
  #mortal: HeadForm | undefined

  constructor(packr: Packr, format: number) {
    this.#packr = packr
    this.#format = format
  }

  /** The form of such a header; undefined if it has more to say. */
  of({ schemaVersion, writer, writeId, ttlMs, source, trace, stamps }: Header): HeadForm | undefined {
    if (source !== undefined || trace !== undefined || stamps !== undefined || writeId === undefined) return undefined
    const { session } = writeId
    const form = ttlMs === undefined ? this.#lasting : this.#mortal
    if (form?.schemaVersion === schemaVersion && form.session === session && form.writer === writer) return form
    const made = this.#make(schemaVersion, writer, session, ttlMs !== undefined)
    if (ttlMs === undefined) this.#lasting = made
    else this.#mortal = made
    return made
  }

  #make(schemaVersion: number, writer: string, session: string, mortal: boolean): HeadForm {
    const pack = (value: unknown): Buffer => Buffer.from(this.#packr.pack(value))
    const before = [ARRAY_10, pack(this.#format), pack(schemaVersion)]
    const middle = [FLOAT_64, pack(writer)]
    const after = [mortal ? FLOAT_64 : NIL, NIL, NIL, ARRAY_2, pack(session)]
    const length = (parts: readonly Buffer[]): number => parts.reduce((sum, part) => sum + part.length, 0)
    const version = length(before) + 1
    const stampMs = length([...before, ...middle]) + 1
    const ttlMs = mortal ? stampMs + FLOAT_64.length : undefined
    const number = length([...before, ...middle, FLOAT_64, ...after]) + 1
    const bytes = Buffer.concat([...before, ...middle, FLOAT_64, ...after, FLOAT_64, NIL])
    return { schemaVersion, writer, session, bytes, at: { version, stampMs, number, ttlMs } }
  }
}

/** The header filled in, behind so many free bytes, and the body after it. */
export function packForm({ bytes, at }: HeadForm, header: Header, body: Uint8Array | undefined, room: number): Buffer {
  const end = room + bytes.length
  const packed = Buffer.allocUnsafe(end + (body?.length ?? 0))
  packed.set(bytes, room)
  packed.writeDoubleBE(header.version, room + at.version)
  packed.writeDoubleBE(header.stampMs, room + at.stampMs)
  packed.writeDoubleBE(header.writeId?.number ?? 0, room + at.number)
  if (at.ttlMs !== undefined) packed.writeDoubleBE(header.ttlMs ?? 0, room + at.ttlMs)
  if (body !== undefined) packed.set(body, end)
  return packed
}
