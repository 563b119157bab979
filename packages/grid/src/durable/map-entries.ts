import { createCodec, type Header } from '../map/codec.ts'
import { readOr, type TellBroken } from '../store/tell-broken.ts'
import type { Environment } from './environment.ts'
import { mapPrefix, recordId, toRecordRow } from './grid/rows.ts'

/** An entry of a map as it stands in the directory; its time to live may be over. */
export interface StoredMapEntry {
  readonly key: string
  readonly version: number
  readonly header: Header
  /** The packed value. */
  readonly body: Uint8Array
}

/** The maps of a durable grid, for those who look. Throws `StoreError` STORE_BROKEN and `GridError` BAD_ENVELOPE or NEWER_FORMAT. */
export interface MapEntries {
  names(): readonly string[]
  /** A row that cannot be read is told to `broken` and left out; without it that is an error. */
  keys(map: string, broken?: TellBroken): readonly string[]
  /** Undefined if there is none, or it was removed. */
  entry(map: string, key: string): StoredMapEntry | undefined
}

const RECORD = /^m(\d+):/

export function createMapEntries(environment: Environment): MapEntries {
  const { rows } = environment
  const table = environment.table('grid', true)
  const codec = createCodec()
  // After every record.
  const end = Buffer.from('n')

  return {
    names() {
      environment.refresh()
      const names = new Set<string>()
      for (const id of table.getKeys({ start: Buffer.from('m'), end })) {
        const text = id.toString('latin1')
        const [head = '', length = '0'] = RECORD.exec(text) ?? []
        // A name too long to stand there is told by its hash.
        const name = id.subarray(head.length, head.length + Number(length)).toString()
        names.add(name.startsWith('=') ? name.slice(1) : name)
      }
      return [...names]
    },
    keys(map, broken) {
      environment.refresh()
      const prefix = Buffer.from(mapPrefix(map))
      const found: string[] = []
      for (const { key: id, value } of table.getRange({ start: prefix, end })) {
        if (!id.subarray(0, prefix.length).equals(prefix)) break
        // A long key is told by its hash.
        const what = `${id.subarray(prefix.length).toString().replace(/^=/, '')} of map ${map}`
        const row = readOr(broken, what, () => toRecordRow(rows.read(value, what, id)))
        if (row?.removed === false) found.push(row.key)
      }
      return found
    },
    entry(map, key) {
      const { fields } = environment.read(table, Buffer.from(recordId(map, key)), `${key} of map ${map}`)
      const row = fields && toRecordRow(fields)
      if (row?.bytes === undefined || row.removed) return undefined
      const { header, body } = codec.read(row.bytes)
      return body && { key, version: row.version, header, body }
    },
  }
}
