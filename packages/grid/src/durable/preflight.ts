import { access, constants, mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../store/errors.ts'

// Where lmdb keeps what is checked here, in the first two pages; layout: mdb.c, MDB_page and MDB_meta, with 64-bit fields.
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24
const PAGE_SIZE_AT = 48
const LAST_PAGE_AT = 144
const META_BYTES = 192

/** A transaction may take pages at the end and give them back: lmdb never writes those, so a whole file may end before them. */
const UNWRITTEN_PAGES = 4

const LOOKS = 4
const LOOK_EVERY_MS = 25

/**
 * Makes the directory and looks at the file before lmdb maps it: lmdb trusts its header, and reading a page that a damaged or
 * truncated file does not have would kill the process instead of throwing. For reading only nothing is made, and the file must be there.
 */
export async function preflight(path: string, readOnly = false): Promise<void> {
  if (!readOnly) await mkdir(path, { recursive: true })
  await access(path, constants.R_OK | constants.X_OK | (readOnly ? 0 : constants.W_OK))
  const file = join(path, 'data.mdb')
  let handle: FileHandle
  try {
    handle = await open(file, readOnly ? 'r' : 'r+')
  } catch (error) {
    if (!readOnly && (error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    await checkAgain(handle, file)
  } finally {
    await handle.close()
  }
}

/** Another process may be writing the file's first pages just now: what looks damaged is looked at again. */
async function checkAgain(handle: FileHandle, file: string): Promise<void> {
  for (let look = 1; ; look++) {
    try {
      await check(handle, file)
      return
    } catch (error) {
      if (look === LOOKS) throw error
      await sleep(LOOK_EVERY_MS)
    }
  }
}

async function check(handle: FileHandle, file: string): Promise<void> {
  // A process killed before it had written the header leaves an empty file: lmdb begins it anew.
  if ((await handle.stat()).size === 0) return
  const first = await meta(handle, file, 0)
  const second = await meta(handle, file, first.pageSize)
  const needed = (Math.max(first.lastPage, second.lastPage) + 1) * first.pageSize
  // Asked for after the headers: another process may let the file grow meanwhile, never shrink.
  const { size } = await handle.stat()
  if (size < needed - UNWRITTEN_PAGES * first.pageSize) throw broken(file, `it has ${size} bytes where its header needs ${needed}`)
}

async function meta(handle: FileHandle, file: string, at: number): Promise<{ readonly pageSize: number; readonly lastPage: number }> {
  const bytes = Buffer.alloc(META_BYTES)
  const { bytesRead } = await handle.read(bytes, 0, META_BYTES, at)
  if (bytesRead < META_BYTES || bytes.readUInt32LE(MAGIC_AT) !== MAGIC) throw broken(file, `there is no lmdb header at byte ${at}`)
  const pageSize = bytes.readUInt32LE(PAGE_SIZE_AT)
  if (pageSize < 512 || pageSize > 65_536) throw broken(file, `its header tells a page size of ${pageSize}`)
  return { pageSize, lastPage: Number(bytes.readBigUInt64LE(LAST_PAGE_AT)) }
}

function broken(file: string, reason: string): StoreError {
  return new StoreError('STORE_BROKEN', `${file} is damaged: ${reason}`)
}
