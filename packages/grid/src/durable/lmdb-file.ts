import { readFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { treeAt, TREE_BYTES, type Tree } from './lmdb-tree.ts'

// Where lmdb 3.5.6 (data version 2, 64-bit, little endian) keeps what is looked at here; layout: mdb.c, MDB_page, MDB_meta.
const MAGIC = 0xbeefc0de
const DATA_VERSION = 2
const META_PAGE = 0x08
const META_AT = 24
const VERSION_AT = META_AT + 4
const ADDRESS_AT = META_AT + 8
const MAP_BYTES_AT = META_AT + 16
const FREE_AT = META_AT + 24
const MAIN_AT = FREE_AT + TREE_BYTES
const LAST_PAGE_AT = META_AT + 120
const TXN_AT = META_AT + 128
const BOOT_AT = META_AT + 136
const META_BYTES = META_AT + 144

/** This snapshot was committed, but not flushed yet. */
const OVERLAPPING_SYNC = 0x1000
/** Keys of the tree of free pages are numbers. */
const INTEGER_KEYS = 0x08
/** More than any processor maps. */
const MOST_MAP_BYTES = 2 ** 47

/** One of the snapshots that the file's head names. */
export interface Snapshot {
  readonly pageSize: number
  /** Its two trees: of free pages, and of everything else. */
  readonly free: Tree
  readonly main: Tree
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

/** The bytes of a head that begins there, or undefined where the file ends before. */
export async function readHead(handle: FileHandle, at: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(META_BYTES)
  const { bytesRead } = await handle.read(bytes, 0, META_BYTES, at)
  return bytesRead < META_BYTES ? undefined : bytes
}

/** Whether a head says that it is one of lmdb. */
export function isMarked(head: Buffer): boolean {
  return head.readUInt32LE(META_AT) === MAGIC
}

export function snapshotOf(head: Buffer): Snapshot {
  const free = treeAt(head, FREE_AT)
  return {
    pageSize: free.pad,
    free,
    main: treeAt(head, MAIN_AT),
    lastPage: Number(head.readBigUInt64LE(LAST_PAGE_AT)),
    txn: head.readBigUInt64LE(TXN_AT),
    boot: head.readBigInt64LE(BOOT_AT),
    flushed: (free.flags & OVERLAPPING_SYNC) === 0,
  }
}

/** What is wrong with the head of that page, the first or the second one; undefined: nothing. Another version is not for this to judge. */
export function headFault(head: Buffer, page: number): string | undefined {
  const { free, main, pageSize, txn, lastPage } = snapshotOf(head)
  const mapBytes = Number(head.readBigUInt64LE(MAP_BYTES_AT))
  if (Number(head.readBigUInt64LE(0)) !== page || head.readBigUInt64LE(8) !== 0n || head.readBigUInt64LE(16) !== BigInt(META_PAGE) << 16n)
    return 'its first bytes are not those of a head'
  if (head.readBigUInt64LE(ADDRESS_AT) !== 0n) return 'it tells an address'
  if (mapBytes % pageSize !== 0 || mapBytes > MOST_MAP_BYTES) return `it tells of ${mapBytes} bytes in memory`
  if ((free.flags & ~OVERLAPPING_SYNC) !== INTEGER_KEYS || main.flags !== 0 || main.pad !== 0)
    return `it tells of trees of the kinds ${free.flags} and ${main.flags}`
  if (lastPage < 1 || (lastPage + 1) * pageSize > mapBytes) return `it tells that page ${lastPage} is the last one of ${mapBytes} bytes`
  // One transaction writes the first, the next one the second (mdb.c, mdb_env_write_meta).
  if (txn !== 0n && Number(txn & 1n) !== page) return `it tells that transaction ${txn} wrote it`
  return undefined
}

/** What is wrong with two heads beside each other; undefined: nothing. */
export function headsFault(first: Buffer, second: Buffer): string | undefined {
  const [a, b] = [snapshotOf(first), snapshotOf(second)]
  if (a.pageSize !== b.pageSize) return `its heads tell page sizes of ${a.pageSize} and ${b.pageSize}`
  const [versionA, versionB] = [first.readUInt32LE(VERSION_AT), second.readUInt32LE(VERSION_AT)]
  if (versionA !== versionB) return `its heads tell the versions ${versionA} and ${versionB}`
  const apart = a.txn > b.txn ? a.txn - b.txn : b.txn - a.txn
  // Whoever goes back after a power cut leaves a head of a later transaction behind, and both say so.
  if (a.flushed && b.flushed && apart !== 1n && (a.txn !== 0n || b.txn !== 0n))
    return `its heads are of the transactions ${a.txn} and ${b.txn}`
  return undefined
}

/** Whether the head is of the version of lmdb's files that is known here. */
export function isKnownVersion(head: Buffer): boolean {
  return head.readUInt32LE(VERSION_AT) === DATA_VERSION
}

/** Of which start of the machine a snapshot says it is; 0n where that is not known. */
export function readBootId(): bigint {
  try {
    return BigInt(Number.parseInt(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'), 16))
  } catch {
    return 0n
  }
}
