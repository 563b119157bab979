import { Packr, RESERVE_START_SPACE } from 'msgpackr'
import { crc32 } from 'node:zlib'
import { StoreError } from './errors.ts'
import { keySum } from './key-sum.ts'

/**
 * Version of the rows' layout, the first byte of each for ever (I9). A reader refuses a newer one and leaves it untouched. From format 3
 * on the check sum covers that byte as well: so a damaged byte, or something that is no row at all, is not taken for a newer release.
 * Format 1 kept the present value of an id in its head, format 2 keeps it with the revisions; both are read.
 * Format 3 tells the key that it stands under as well, where the key is not checked by what keeps it; elsewhere format 2 is written.
 */
const ROW_FORMAT = 2
const KEYED_FORMAT = 3

/**
 * The only code of the durable half that packs. A row is one byte of format, the CRC-32 of the rest (4 bytes, big endian), in format 3 the
 * sum of its key (4 bytes, big endian), and a msgpack array. The check sum is there because neither lmdb nor a disk promises one.
 */
export interface RowCodec {
  /** With a key: as it will stand under it. */
  pack(fields: readonly unknown[], key?: Uint8Array): Buffer
  /** The same row as it will stand under a key. */
  under(row: Uint8Array, key: Uint8Array): Buffer
  /**
   * Throws `StoreError` STORE_BROKEN or STORE_NEWER; `what` names the row in the message. With the key that it was found under: STORE_BROKEN
   * as well where it tells another one.
   */
  read(bytes: Uint8Array, what: string, key?: Uint8Array): readonly unknown[]
}

const HEADER_BYTES = 5
/** The part of a row that tells its key. */
const KEYED_BYTES = 9
/** What the check sum of such a row begins with: it covers the format. */
const KEYED_SUM = crc32(Buffer.of(KEYED_FORMAT))

/** The sum of the key that the row of so many bytes tells, which begins there; undefined: it tells none. */
export function toldKeySum(bytes: Buffer, at: number, size: number): number | undefined {
  return size >= KEYED_BYTES && bytes[at] === KEYED_FORMAT ? bytes.readUInt32BE(at + HEADER_BYTES) : undefined
}

/** Whether its check sum is right, whatever the format. */
export function isSound(row: Uint8Array): boolean {
  const [format = 0] = row
  if (format < 1 || row.length < (format === KEYED_FORMAT ? KEYED_BYTES : HEADER_BYTES)) return false
  const rest = row.subarray(HEADER_BYTES)
  const sum = format > ROW_FORMAT ? crc32(rest, format === KEYED_FORMAT ? KEYED_SUM : crc32(row.subarray(0, 1))) : crc32(rest)
  return sum === new DataView(row.buffer, row.byteOffset).getUint32(1)
}

export function createRowCodec(): RowCodec {
  const packr = new Packr({ useRecords: false })

  function keyed(row: Buffer, key: Uint8Array): Buffer {
    row[0] = KEYED_FORMAT
    row.writeUInt32BE(keySum(key), HEADER_BYTES)
    row.writeUInt32BE(crc32(row.subarray(HEADER_BYTES), KEYED_SUM), 1)
    return row
  }

  return {
    pack(fields, key) {
      if (key !== undefined) return keyed(packr.pack(fields, RESERVE_START_SPACE | KEYED_BYTES), key)
      const row = packr.pack(fields, RESERVE_START_SPACE | HEADER_BYTES)
      row[0] = ROW_FORMAT
      row.writeUInt32BE(crc32(row.subarray(HEADER_BYTES)), 1)
      return row
    },
    under(row, key) {
      const body = row.subarray(row[0] === KEYED_FORMAT ? KEYED_BYTES : HEADER_BYTES)
      const other = Buffer.allocUnsafe(KEYED_BYTES + body.length)
      other.set(body, KEYED_BYTES)
      return keyed(other, key)
    },
    read(bytes, what, key) {
      if (!isSound(bytes))
        throw new StoreError('STORE_BROKEN', `the ${bytes.length} bytes stored for ${what} are damaged: their check sum is wrong`)
      const format = bytes[0] as number
      if (format > KEYED_FORMAT)
        throw new StoreError('STORE_NEWER', `${what} is stored in format ${format}; this release knows ${KEYED_FORMAT}`)
      if (format !== KEYED_FORMAT) return packr.unpack(bytes.subarray(HEADER_BYTES)) as readonly unknown[]
      if (key !== undefined && new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER_BYTES) !== keySum(key))
        throw new StoreError('STORE_BROKEN', `what is stored for ${what} is damaged: it belongs under another key`)
      return packr.unpack(bytes.subarray(KEYED_BYTES)) as readonly unknown[]
    },
  }
}
