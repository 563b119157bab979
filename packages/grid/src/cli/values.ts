import { Packr } from 'msgpackr'
import { createCodec } from '../map/codec.ts'

/** Bytes as people and programs can read them. */
export type ShownValue =
  | { readonly as: 'text'; readonly value: string }
  | { readonly as: 'msgpack'; readonly value: unknown }
  /** The value of an entry of a map that is kept in a store. */
  | { readonly as: 'entry'; readonly value: unknown }
  | { readonly as: 'base64'; readonly value: string }

const SHOWN = 500

/** Text if it is text, a value if it is packed, else base64. A guess: the bytes do not say what they are. */
export function showValue(bytes: Uint8Array): ShownValue {
  const text = asText(bytes)
  if (text !== undefined) return { as: 'text', value: text }
  const kept = asEntry(bytes)
  if (kept !== undefined) return kept
  try {
    const value: unknown = new Packr({ useRecords: false, moreTypes: true }).unpack(bytes)
    // A few bytes unpack to almost anything; what an actor or a map keeps is an object.
    if (typeof value === 'object' && value !== null) return { as: 'msgpack', value: plain(value) }
  } catch {
    // No message of msgpack.
  }
  return asBase64(bytes)
}

/** What a map holds: it is known to be packed, so nothing is guessed. */
export function showStored(body: Uint8Array): ShownValue {
  try {
    return { as: 'msgpack', value: plain(createCodec().readValue(body)) }
  } catch {
    return asBase64(body)
  }
}

function asEntry(bytes: Uint8Array): ShownValue | undefined {
  try {
    const codec = createCodec()
    const { body } = codec.read(bytes)
    return body && { as: 'entry', value: plain(codec.readValue(body)) }
  } catch {
    return undefined
  }
}

const asBase64 = (bytes: Uint8Array): ShownValue => ({ as: 'base64', value: Buffer.from(bytes).toString('base64') })

/** In one line, cut where it is long. */
export function inLine({ as, value }: ShownValue): string {
  const text = as === 'text' ? value : as === 'base64' ? `base64 ${value}` : JSON.stringify(value)
  const line = text.replaceAll(/\s+/g, ' ')
  return visible(line.length > SHOWN ? `${line.slice(0, SHOWN)}... (${text.length} characters)` : line)
}

/** A line for people, with what steers a terminal or turns the line written out as in JSON: names and ids come from anywhere. */
export function visible(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (each) => {
    const short = JSON.stringify(each).slice(1, -1)
    return short === each ? `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}` : short
  })
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return Array.from(text).some((each) => each < ' ' && !'\n\r\t'.includes(each)) ? undefined : text
  } catch {
    return undefined
  }
}

/** What JSON can say. What it has no word for says its type, so that no two values look alike. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) }
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) }
  if (value instanceof Uint8Array) return showValue(value)
  if (value instanceof Map) return { map: Array.from(value, ([key, each]) => [plain(key), plain(each)]) }
  if (value instanceof Set || Array.isArray(value)) return Array.from(value, plain)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}
