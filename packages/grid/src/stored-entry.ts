import type { Codec } from './codec.ts'
import type { DriverRecord } from './driver.ts'
import type { Entry } from './entry.ts'
import { GridError, quote } from './errors.ts'
import type { ResolvedMapOptions } from './options.ts'
import { seal } from './seal.ts'

/**
 * Stored bytes as an entry. An older schema version is upgraded on the way; a newer or unknown one is refused, and the bytes
 * stay as they are (I9). Throws `GridError` BAD_ENVELOPE, NEWER_FORMAT, NEWER_SCHEMA, NO_UPGRADE or UPGRADE_FAILED.
 */
export function readEntry<V>(record: DriverRecord, codec: Codec, map: string, options: ResolvedMapOptions<V>): Entry<V> {
  const { key, version, atMs, bytes } = record
  const { header, body } = codec.read(bytes)
  const { schemaVersion, writer, ttlMs, source, trace } = header
  const place = `${quote(key)} of map ${quote(map)}`
  if (body === undefined) throw new GridError('BAD_ENVELOPE', `${place} holds no value`)
  if (schemaVersion > options.schemaVersion) {
    throw new GridError('NEWER_SCHEMA', `${place} has schema version ${schemaVersion}; this process knows up to ${options.schemaVersion}`)
  }
  const stored = codec.readValue(body)
  const value = schemaVersion === options.schemaVersion ? seal(stored).value : upgrade(stored, schemaVersion, place, options)
  return Object.freeze({ key, value: value as V, version, writer, schemaVersion: options.schemaVersion, ttlMs, source, trace, acceptedAtMs: atMs })
}

function upgrade<V>(stored: unknown, from: number, place: string, options: ResolvedMapOptions<V>): unknown {
  if (options.upgrade === undefined) {
    throw new GridError('NO_UPGRADE', `${place} has schema version ${from}; the map writes ${options.schemaVersion} and has no upgrade`)
  }
  try {
    return seal(options.upgrade(stored, from)).value
  } catch (cause) {
    throw new GridError('UPGRADE_FAILED', `${place} could not be upgraded from schema version ${from} to ${options.schemaVersion}`, { cause })
  }
}
