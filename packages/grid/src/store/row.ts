import { Packr, RESERVE_START_SPACE } from 'msgpackr'
import { crc32 } from 'node:zlib'
import { StoreError } from './errors.ts'

/**
 * Version of the rows' layout, the first byte of each for ever (I9). A reader refuses a newer one and leaves it untouched. From format 3
 * on the check sum covers that byte as well: so a damaged byte, or something that is no row at all, is not taken for a newer release.
 * Format 1 kept the present value of an id in its head, format 2 keeps it with the revisions; both are read.
 */
export const ROW_FORMAT = 2

/**
 * The only code of the durable half that packs. A row is one byte of format, the CRC-32 of the rest (4 bytes, big endian),
 * and a msgpack array. The check sum is there because neither lmdb nor a disk promises one.
 */
export interface RowCodec {
  pack(fields: readonly unknown[]): Buffer
  /** Throws `StoreError` STORE_BROKEN or STORE_NEWER; `what` names the row in the message. */
  read(bytes: Uint8Array, what: string): readonly unknown[]
}

const HEADER_BYTES = 5

export function createRowCodec(): RowCodec {
  const packr = new Packr({ useRecords: false })
  return {
    pack(fields) {
      const row = packr.pack(fields, RESERVE_START_SPACE | HEADER_BYTES)
      row[0] = ROW_FORMAT
      row.writeUInt32BE(crc32(row.subarray(HEADER_BYTES)), 1)
      return row
    },
    read(bytes, what) {
      const format = bytes[0]
      const body = bytes.subarray(HEADER_BYTES)
      const sum = bytes.length < HEADER_BYTES ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
      if (format !== undefined && format > ROW_FORMAT && sum === crc32(body, crc32(bytes.subarray(0, 1)))) {
        throw new StoreError('STORE_NEWER', `${what} is stored in format ${format}; this release knows ${ROW_FORMAT}`)
      }
      if (format === undefined || format < 1 || format > ROW_FORMAT || sum !== crc32(body)) {
        throw new StoreError('STORE_BROKEN', `the ${bytes.length} bytes stored for ${what} are damaged: their check sum is wrong`)
      }
      return packr.unpack(body) as readonly unknown[]
    },
  }
}
