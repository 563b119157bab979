import { StoreError, isStoreError } from '../store/errors.ts'

// lmdb says EIO where a write came to less than was asked for, which is what a full disk makes of it.
const FULL = /ENOSPC|EDQUOT|EFBIG|EIO|No space left|Disk quota|File too large|Input\/output error|MDB_MAP_FULL|mapsize limit/i
const ACCESS = /EACCES|EEXIST|EPERM|EROFS|ENOTDIR|EISDIR|ENOENT|Permission denied|Read-only file system|Not a directory|not permitted/i
const BROKEN = /MDB_CORRUPTED|MDB_INVALID|MDB_PAGE_NOTFOUND|MDB_BAD_TXN|not an LMDB file|Located page was wrong|page not found/i
const NEWER = /MDB_VERSION_MISMATCH|environment version mismatch/i

/** Turns what the file system and lmdb throw into an error that says what to do. lmdb tells some of its errors only by their text. */
export function diskError(error: unknown, path: string): StoreError {
  if (isStoreError(error)) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  const text = `${String(code)} ${String(message)}`
  const options = { cause: error }
  if (FULL.test(text)) return new StoreError('STORE_FULL', `no room left to write ${path}, or the disk fails: ${String(message)}`, options)
  if (BROKEN.test(text)) return new StoreError('STORE_BROKEN', `the store at ${path} is damaged: ${String(message)}`, options)
  if (NEWER.test(text)) return new StoreError('STORE_NEWER', `the file format at ${path} is not known here: ${String(message)}`, options)
  if (ACCESS.test(text)) return new StoreError('STORE_ACCESS', `the store at ${path} cannot be written: ${String(message)}`, options)
  return new StoreError('STORE_FAILED', `the store at ${path} failed: ${String(message)}`, options)
}
