// Pages of lmdb 3.5.6 as they lie in the file; layout: mdb.c, MDB_page, MDB_node, MDB_ovpage. All numbers are little endian, and all of a
// node begins at an even byte.
const PAD_AT = 16
const PAGE_FLAGS_AT = 18
const LOWER_AT = 20
const UPPER_AT = 22
export const PAGE_HEADER = 24
export const NODE_HEADER = 8
const BRANCH = 0x01
const LEAF = 0x02
const LARGE = 0x04

/** The data of a leaf's node lie in pages of their own, or are the row of a table. */
export const IN_PAGES = 0x01
export const OF_TABLE = 0x02
/** What stands in a node whose data lie in pages of their own: the first page, the transaction, the number of pages. */
export const IN_PAGES_BYTES = 24

/** A number of 64 bits, of which 53 count: more is none of a page. */
export function longAt(page: Buffer, at: number): number {
  return page.readUInt32LE(at + 4) * 0x1_0000_0000 + page.readUInt32LE(at)
}

/** Which transaction wrote the page. */
export function txnOf(page: Buffer): number {
  return longAt(page, 8)
}

export function nodesOf(page: Buffer): number {
  return page.readUInt16LE(LOWER_AT) >> 1
}

/** Where the node begins. */
export function nodeAt(page: Buffer, index: number): number {
  return page.readUInt16LE(PAGE_HEADER + 2 * index) + PAGE_HEADER
}

export const keyBytes = (page: Buffer, node: number): number => page.readUInt16LE(node + 6)
export const kindOf = (page: Buffer, node: number): number => page.readUInt16LE(node + 4)
export const dataBytes = (page: Buffer, node: number): number => page.readUInt32LE(node)
export const dataAt = (page: Buffer, node: number): number => node + NODE_HEADER + page.readUInt16LE(node + 6)
/** In a branch the page stands where a leaf has the size and the kind. */
export const childAt = (page: Buffer, node: number): number => page.readUIntLE(node, 6)

/** What is wrong with the page itself, whatever it leads to; undefined: nothing. lmdb trusts all of this. */
export function pageFault(page: Buffer, number: number, leaf: boolean): string | undefined {
  const flags = page.readUInt16LE(PAGE_FLAGS_AT)
  if (longAt(page, 0) !== number) return 'it has the number of another page'
  if (flags !== (leaf ? LEAF : BRANCH) || page.readUInt16LE(PAD_AT) !== 0) return `it is no ${leaf ? 'leaf' : 'branch'} of a tree`
  const [lower, upper] = [page.readUInt16LE(LOWER_AT), page.readUInt16LE(UPPER_AT)]
  if (lower % 2 !== 0 || lower > upper || upper > page.length - PAGE_HEADER) return 'its nodes and its list of them overlap'
  const nodes = lower >> 1
  // A branch with one node is left for a moment when pages are merged, and never written.
  if (nodes === 0) return 'it has no nodes'
  let bytes = 0
  for (let at = 0; at < nodes; at++) {
    const node = nodeAt(page, at)
    const end = node % 2 === 0 && node >= upper + PAGE_HEADER && node + NODE_HEADER <= page.length ? endOf(page, node, leaf) : Infinity
    if (end > page.length) return `its node ${at} does not lie in it`
    bytes += end - node + ((end - node) & 1)
  }
  // They lie side by side up to the end of the page.
  return bytes === page.length - PAGE_HEADER - upper ? undefined : 'its nodes overlap, or leave room between them'
}

/** Where the node ends; Infinity if it tells of what cannot be. */
function endOf(page: Buffer, node: number, leaf: boolean): number {
  const data = dataAt(page, node)
  if (!leaf) return data
  const kind = kindOf(page, node)
  if (kind === IN_PAGES) return data + IN_PAGES_BYTES
  return kind === 0 || kind === OF_TABLE ? data + dataBytes(page, node) : Infinity
}

/** What is wrong with the first page of a large value of which a node tells; undefined: nothing. Only its header is read. */
export function largeFault(header: Buffer, number: number, count: number, txn: number): string | undefined {
  if (longAt(header, 0) !== number) return 'it has the number of another page'
  if (header.readUInt16LE(PAGE_FLAGS_AT) !== LARGE || header.readUInt16LE(PAD_AT) !== 0) return 'it is not the first of a large value'
  if (header.readUInt32LE(LOWER_AT) !== count) return `it is the first of ${header.readUInt32LE(LOWER_AT)} pages, and ${count} are told of`
  return txnOf(header) === txn ? undefined : `transaction ${txnOf(header)} wrote it, and ${txn} is told of`
}

/** A page was written with or before those that lead to it. */
export function agesFault(page: Buffer, newest: number): string | undefined {
  return txnOf(page) > newest ? `transaction ${txnOf(page)} wrote it, and ${newest} what leads to it` : undefined
}
