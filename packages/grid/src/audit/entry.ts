import { StoreError } from '../store/errors.ts'
import type { AuditEntry } from './audit.ts'

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
