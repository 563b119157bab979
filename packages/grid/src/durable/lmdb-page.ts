import { pageAt } from './lmdb-file.ts'

// Pages of lmdb 3.5.6 as they lie in the file; layout: mdb.c, MDB_page, MDB_node, MDB_db.
const TAKEN_AT = 16
const PAGE_FLAGS_AT = 18
const LOWER_AT = 20
const UPPER_AT = 22
const PAGE_HEADER = 24
const BRANCH = 0x01
const LEAF = 0x02
const LEAF2 = 0x20
const BIG_DATA = 0x01
const SUB_DATA = 0x02
const NODE_HEADER = 8
const BIG_BYTES = 24
const SUB_BYTES = 48
const SUB_ROOT_AT = 40

/** Pages that a page names. */
export interface Reference {
  readonly page: number
  /** So many in a row. */
  readonly count: number
  /** One of a tree, which names others; else the bytes of a large value. */
  readonly tree: boolean
}

/**
 * What a page of a tree names: the pages below it, the pages of large values, the roots of tables. Throws a RangeError that says what is
 * wrong with a page that lmdb, which trusts all of it, must not be led to.
 */
export function referencesOf(page: Buffer, number: number): readonly Reference[] {
  const flags = page.readUInt16LE(PAGE_FLAGS_AT)
  if ((flags & (BRANCH | LEAF)) === 0) throw new RangeError('it is none of a tree')
  if (Number(page.readBigUInt64LE(0)) !== number) throw new RangeError('it has the number of another page')
  if ((flags & LEAF2) !== 0) return []
  const [lower, upper] = [page.readUInt16LE(LOWER_AT), page.readUInt16LE(UPPER_AT)]
  if (lower % 2 !== 0 || lower > upper || upper > page.length - PAGE_HEADER) throw new RangeError('its nodes and its list of them overlap')
  const found: Reference[] = []
  for (let at = 0; at < lower >> 1; at++) {
    const offset = page.readUInt16LE(PAGE_HEADER + 2 * at)
    const reference = offset < upper || offset % 2 !== 0 ? undefined : nodeAt(page, offset + PAGE_HEADER, (flags & BRANCH) !== 0)
    if (reference === undefined) throw new RangeError(`its node ${at} does not lie in it`)
    found.push(...reference)
  }
  return found
}

/** What a node names; undefined if it reaches out of the page. */
function nodeAt(page: Buffer, node: number, branch: boolean): readonly Reference[] | undefined {
  if (node + NODE_HEADER > page.length) return undefined
  const kind = page.readUInt16LE(node + 4)
  const data = node + NODE_HEADER + page.readUInt16LE(node + 6)
  // In a branch the page stands where a leaf has the size and the kind.
  if (branch) return data > page.length ? undefined : [{ page: page.readUIntLE(node, 6), count: 1, tree: true }]
  const size = page.readUInt32LE(node)
  const held = (kind & BIG_DATA) !== 0 ? BIG_BYTES : (kind & SUB_DATA) !== 0 ? SUB_BYTES : size
  if (data + held > page.length) return undefined
  if ((kind & BIG_DATA) !== 0) {
    const count = Number(page.readBigUInt64LE(data + TAKEN_AT))
    if (size > count * page.length - PAGE_HEADER) return undefined
    return [{ page: Number(page.readBigUInt64LE(data)), count, tree: false }]
  }
  if ((kind & SUB_DATA) === 0) return []
  return pageAt(page, data + SUB_ROOT_AT).map((root) => ({ page: root, count: 1, tree: true }))
}
