import { createHash } from 'node:crypto'
import { GridError, quote } from '../../errors.ts'

/** What a key has now. A removed one stays for a while: its version must not come back. */
export interface RecordRow {
  readonly key: string
  readonly version: number
  readonly removed: boolean
  /** When it was committed, by the machine's clock of that boot. */
  readonly stampMs: number
  readonly boot: string
  readonly ttlMs: number | undefined
  /** Of its writer: who knows less leaves it untouched (I9). 0 where there is no value. */
  readonly schemaVersion: number
  /** The envelope. Not remembered once it is committed. */
  readonly bytes: Uint8Array | undefined
}

export function packRecord({ key, version, removed, stampMs, boot, ttlMs, bytes, schemaVersion }: RecordRow): readonly unknown[] {
  return [key, version, removed, stampMs, boot, ttlMs ?? null, bytes ?? null, schemaVersion]
}

export function toRecordRow(fields: readonly unknown[]): RecordRow {
  const [key, version, removed, stampMs, boot, ttlMs, bytes, schemaVersion = 0] = fields as RecordFields
  // A copy: what lmdb hands out may be memory that is used again.
  return { key, version, removed, stampMs, boot, ttlMs: (ttlMs ?? undefined) as number | undefined, bytes: copy(bytes), schemaVersion }
}

type RecordFields = [string, number, boolean, number, string, ttlMs: unknown, bytes: unknown, schemaVersion?: number]

/** One change in the log of the process that made it: of a map, or a message of a topic. */
export interface LogRow extends RecordRow {
  readonly kind: 'map' | 'topic'
  readonly name: string
}

export function packLog(row: LogRow): readonly unknown[] {
  return [row.kind, row.name, ...packRecord(row)]
}

export function toLogRow(fields: readonly unknown[]): LogRow {
  const [kind, name, ...rest] = fields as ['map' | 'topic', string, ...unknown[]]
  return { kind, name, ...toRecordRow(rest) }
}

function copy(bytes: unknown): Uint8Array | undefined {
  return bytes instanceof Uint8Array ? Buffer.from(bytes) : undefined
}

// lmdb allows 1,978 bytes.
const LONGEST_NAME = 400
const LONGEST_KEY = 1000

/** Under it stand the records of a map, and nothing else. */
export function mapPrefix(map: string): string {
  const name = short(map, LONGEST_NAME)
  return `m${Buffer.byteLength(name)}:${name}`
}

export function recordId(map: string, key: string): string {
  return `${mapPrefix(map)}${short(key, LONGEST_KEY)}`
}

/** Where the greatest version of a map stands that has no record any more. */
export function floorId(map: string): string {
  return `f${short(map, LONGEST_NAME)}`
}

function short(text: string, longest: number): string {
  if (!(text as string & { isWellFormed(): boolean }).isWellFormed()) {
    throw new GridError('BAD_KEY', `${quote(text)} holds half of a surrogate pair: a directory cannot tell it from others`)
  }
  if (Buffer.byteLength(text) <= longest) return `=${text}`
  return `#${createHash('sha256').update(text).digest('base64')}`
}

export const SESSION_LENGTH = 12

/** `session number`: what one process wrote, in order. */
export function logKey(session: string, at: number): Buffer {
  const key = Buffer.allocUnsafe(SESSION_LENGTH + 8)
  key.write(session, 0, SESSION_LENGTH, 'latin1')
  key.writeUInt32BE(Math.floor(at / 2 ** 32), SESSION_LENGTH)
  key.writeUInt32BE(at >>> 0, SESSION_LENGTH + 4)
  return key
}

export function logAt(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  return view.getUint32(SESSION_LENGTH) * 2 ** 32 + view.getUint32(SESSION_LENGTH + 4)
}
