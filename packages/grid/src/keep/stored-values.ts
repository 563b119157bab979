import { createCodec } from '../map/codec.ts'
import type { Entry } from '../map/entry.ts'
import type { GridMap } from '../grid.ts'
import { ReplicatedMap } from '../map/map.ts'
import { resolveMapOptions } from '../map/map-options.ts'
import { seal } from '../map/seal.ts'
import { GridError, isGridError, quote } from '../errors.ts'
import { readEntry } from '../map/stored-entry.ts'

/** Values of a map as bytes of a store: the grid's own envelope, so an older schema is upgraded and a newer one refused (I9). */
export interface StoredValues<V> {
  pack(entry: Entry<V>): Uint8Array
  /** Throws `GridError` BAD_ENVELOPE, NEWER_FORMAT, NEWER_SCHEMA, NO_UPGRADE or UPGRADE_FAILED. */
  read(key: string, bytes: Uint8Array): V
  /** Whether these bytes hold the entry's value, in its schema. Throws as `checkSchema`. */
  same(entry: Entry<V>, bytes: Uint8Array): boolean
  /** Whether these bytes are what {@link pack} made of this very entry. */
  isOf(entry: Entry<V>, bytes: Uint8Array): boolean
  /** Throws `GridError` NEWER_SCHEMA or NEWER_FORMAT if a newer release has stored them: they must be left untouched (I9). */
  checkSchema(key: string, bytes: Uint8Array): void
}

export function storedValues<V>(map: GridMap<V>): StoredValues<V> {
  const codec = createCodec()
  const options = map instanceof ReplicatedMap ? (map as ReplicatedMap<V>).options : resolveMapOptions<V>({})
  function newer(key: string, schemaVersion: number): void {
    if (schemaVersion <= options.schemaVersion) return
    const text = `${quote(key)} of map ${quote(map.name)} is stored with schema version ${schemaVersion}; this process writes ${options.schemaVersion}`
    throw new GridError('NEWER_SCHEMA', text)
  }

  return {
    pack({ value, version, writer, schemaVersion, source, trace, stamps }) {
      const header = { schemaVersion, version, writer, stampMs: 0, ttlMs: undefined, source, trace, writeId: undefined, stamps }
      return codec.pack(header, codec.packValue(seal(value)))
    },
    checkSchema(key, bytes) {
      try {
        newer(key, codec.read(bytes).header.schemaVersion)
      } catch (error) {
        // What nobody can read is no loss.
        if (!isGridError(error, 'BAD_ENVELOPE')) throw error
      }
    },
    same({ key, value, schemaVersion }, bytes) {
      const { header, body } = codec.read(bytes)
      newer(key, header.schemaVersion)
      return header.schemaVersion === schemaVersion && body !== undefined && Buffer.compare(body, codec.packValue(seal(value))) === 0
    },
    isOf({ version, writer }, bytes) {
      const { header } = codec.read(bytes)
      return header.version === version && header.writer === writer
    },
    read: (key, bytes) => readEntry({ key, version: 1, atMs: 0, bytes }, codec, map.name, options).value,
  }
}
