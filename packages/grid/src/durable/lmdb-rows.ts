import { keySum } from '../store/key-sum.ts'
import { isSound, toldKeySum } from '../store/row.ts'
import { dataAt, dataBytes, keyBytes, kindOf, NODE_HEADER, OF_TABLE, PAGE_HEADER } from './lmdb-page.ts'

/** Before the row, in a table with versions (lmdb-js): a whole number in the form of a float. */
const VERSION_BYTES = 8

/** So much of a large value is looked at, after the header of its first page. */
export const ROW_HEAD_BYTES = 32

/**
 * What is wrong with where a row of one of our tables stands; undefined: nothing. A row that is damaged itself is for whoever reads it: its
 * check sum tells. `head` is the beginning of a large value, with the header of its page; `whole` reads all of the data.
 */
export function rowFault(page: Buffer, node: number, versions: boolean, head: Buffer | undefined, whole: () => Buffer): string | undefined {
  const [bytes, data] = head === undefined ? [page, dataAt(page, node)] : [head, PAGE_HEADER]
  const size = dataBytes(page, node)
  // It could be read, and lmdb would refuse to write it.
  if (kindOf(page, node) === OF_TABLE) return 'one of its rows tells that it is a table'
  if (versions) {
    const version = size < VERSION_BYTES ? 0 : bytes.readDoubleLE(data)
    if (!Number.isSafeInteger(version) || version < 1) return `one of its rows has the version ${version}`
  }
  const before = versions ? VERSION_BYTES : 0
  const key = node + NODE_HEADER
  const told = toldKeySum(bytes, data + before, size - before)
  if (told === undefined || told === keySum(page, key, key + keyBytes(page, node)) || !isSound(whole().subarray(before))) return undefined
  return 'one of its rows stands under a key that is not its own'
}
