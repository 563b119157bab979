import { checkTagName } from '../blobs/references.ts'
import { quote } from '../errors.ts'
import { StoreError } from '../store/errors.ts'
import type { AuditEntry } from './audit.ts'

// What is left of the 400 bytes of an id.
const LONGEST_NAME_BYTES = 394

/** Throws `StoreError` BAD_ID. */
export function checkName(name: string): void {
  if (typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= LONGEST_NAME_BYTES) checkTagName(tagName(name))
  else throw new StoreError('BAD_ID', `name is ${quote(name)}: give a non-empty string of at most ${LONGEST_NAME_BYTES} bytes in UTF-8`)
}

/** Where a name stands in the store. */
export function recordId(name: string): string {
  return `audit/${name}`
}

/** Its tag in the blobs. */
export function tagName(name: string): string {
  return `audit/${name}`
}

/** Version 7 is tagged 7.0.0. */
export function versionTag(version: number): string {
  return `${version}.0.0`
}

export function packEntry(entry: AuditEntry): Uint8Array {
  return Buffer.from(`${JSON.stringify(entry)}\n`)
}

/** Throws `StoreError` STORE_BROKEN or STORE_NEWER. */
export function readEntry(bytes: Uint8Array, name: string): AuditEntry {
  let entry: unknown
  try {
    entry = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw new StoreError('STORE_BROKEN', `${bytes.length} bytes kept of ${name} are no audit entry`, { cause })
  }
  const { schema_version: version } = entry as AuditEntry
  if (version === 1) return entry as AuditEntry
  throw new StoreError('STORE_NEWER', `an audit entry of ${name} has schema version ${String(version)}; this release knows 1`)
}
