import type { Codec } from './codec.ts'
import type { DriverRecord } from '../driver.ts'
import type { Entry } from './entry.ts'
import { GridError, isGridError, newerSchema, quote } from '../errors.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { seal } from './seal.ts'

/**
 * Stored bytes as an entry. An older schema version is upgraded on the way; a newer or unknown one is refused, and the bytes
 * stay as they are (I9). Throws `GridError` BAD_ENVELOPE, NEWER_FORMAT, NEWER_SCHEMA, NO_UPGRADE or UPGRADE_FAILED.
 */
export function readEntry<V>(record: DriverRecord, codec: Codec, map: string, options: ResolvedMapOptions<V>): Entry<V> {
  const place = `${quote(record.key)} of map ${quote(map)}`
  try {
    return toEntry(record, codec, options)
  } catch (cause) {
    const code = isGridError(cause) && cause.code !== 'BAD_VALUE' ? cause.code : 'BAD_ENVELOPE'
    throw new GridError(code, `${place}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function toEntry<V>({ key, version, atMs, bytes }: DriverRecord, codec: Codec, options: ResolvedMapOptions<V>): Entry<V> {
  const { header, body } = codec.read(bytes)
  const { schemaVersion: from, writer, ttlMs, source, trace, stamps } = header
  const { schemaVersion } = options
  if (body === undefined) throw new GridError('BAD_ENVELOPE', 'there is no value')
  if (from > schemaVersion) throw newerSchema('', from, schemaVersion)
  const stored = codec.readValue(body)
  const value = from === schemaVersion ? seal(stored).value : upgrade(stored, from, options)
  return Object.freeze({ key, value: value as V, version, writer, schemaVersion, ttlMs, source, trace, stamps, acceptedAtMs: atMs })
}

function upgrade<V>(stored: unknown, from: number, options: ResolvedMapOptions<V>): unknown {
  if (options.upgrade === undefined) {
    throw new GridError('NO_UPGRADE', `it has schema version ${from}; the map writes ${options.schemaVersion} and has no upgrade`)
  }
  try {
    return seal(options.upgrade(stored, from)).value
  } catch (cause) {
    throw new GridError('UPGRADE_FAILED', `the upgrade from schema version ${from} to ${options.schemaVersion} failed`, { cause })
  }
}
