// A tree as lmdb 3.5.6 tells of it, in the head of its file or in the row of a table; layout: mdb.c, MDB_db.
export const TREE_BYTES = 48

const NO_PAGE = 0xffff_ffff_ffff_ffffn

export interface Tree {
  /** The size of a page, in the tree of free pages; else 0. */
  readonly pad: number
  readonly flags: number
  /** Levels of pages: the last one is of leaves. */
  readonly depth: number
  readonly branches: number
  readonly leaves: number
  /** Pages of large values. */
  readonly large: number
  readonly entries: number
  /** Undefined: it is empty. */
  readonly root: number | undefined
}

export function treeAt(bytes: Buffer, at: number): Tree {
  const root = bytes.readBigUInt64LE(at + 40)
  return {
    pad: bytes.readUInt32LE(at),
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    branches: Number(bytes.readBigUInt64LE(at + 8)),
    leaves: Number(bytes.readBigUInt64LE(at + 16)),
    large: Number(bytes.readBigUInt64LE(at + 24)),
    entries: Number(bytes.readBigUInt64LE(at + 32)),
    root: root === NO_PAGE ? undefined : Number(root),
  }
}
