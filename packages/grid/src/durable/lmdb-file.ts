import { readFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

// Where lmdb 3.5.6 (data version 2, 64-bit, little endian) keeps what is looked at here; layout: mdb.c, MDB_page, MDB_meta, MDB_db, MDB_node.
const MAGIC = 0xbeefc0de
const META_AT = 24
const PAGE_SIZE_AT = META_AT + 24
const FLAGS_AT = META_AT + 28
const FREE_ROOT_AT = META_AT + 64
const MAIN_ROOT_AT = META_AT + 112
const LAST_PAGE_AT = META_AT + 120
const TXN_AT = META_AT + 128
const BOOT_AT = META_AT + 136
const META_BYTES = META_AT + 144

/** This snapshot was committed, but not flushed yet. */
const OVERLAPPING_SYNC = 0x1000
/** A tree without pages. */
const NO_PAGE = 0xffff_ffff_ffff_ffffn

/** One of the snapshots that the file's head names. */
export interface Snapshot {
  readonly pageSize: number
  /** Where its two trees begin: of free pages, and of everything else. */
  readonly roots: readonly number[]
  /** The greatest page that was taken so far. It need not have been written. */
  readonly lastPage: number
  readonly txn: bigint
  readonly boot: bigint
  readonly flushed: boolean
}

/** The one that lmdb goes on from (mdb.c, mdb_pick_meta): the newest; of another start of the machine, the newest that was flushed. */
export function chosenOf(a: Snapshot, b: Snapshot, boot: bigint): Snapshot {
  if (b.txn === 0n) return a
  const latest = a.txn >= b.txn ? a : b
  if (boot === 0n || latest.boot === boot || latest.flushed) return latest
  return a.txn > b.txn ? b : a
}

/** The snapshot in the head at that byte, or undefined if there is none. `marked`: it must say that it is one of lmdb. */
export async function readSnapshot(handle: FileHandle, at: number, marked: boolean): Promise<Snapshot | undefined> {
  const bytes = Buffer.alloc(META_BYTES)
  const { bytesRead } = await handle.read(bytes, 0, META_BYTES, at)
  if (bytesRead < META_BYTES || (marked && bytes.readUInt32LE(META_AT) !== MAGIC)) return undefined
  return {
    pageSize: bytes.readUInt32LE(PAGE_SIZE_AT),
    roots: [FREE_ROOT_AT, MAIN_ROOT_AT].flatMap((root) => pageAt(bytes, root)),
    lastPage: Number(bytes.readBigUInt64LE(LAST_PAGE_AT)),
    txn: bytes.readBigUInt64LE(TXN_AT),
    boot: bytes.readBigInt64LE(BOOT_AT),
    flushed: (bytes.readUInt16LE(FLAGS_AT) & OVERLAPPING_SYNC) === 0,
  }
}

/** Of which start of the machine a snapshot says it is; 0n where that is not known. */
export function readBootId(): bigint {
  try {
    return BigInt(Number.parseInt(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'), 16))
  } catch {
    return 0n
  }
}

/** The page whose number stands there, if any. */
export function pageAt(bytes: Buffer, at: number): readonly number[] {
  const page = bytes.readBigUInt64LE(at)
  return page === NO_PAGE ? [] : [Number(page)]
}
