import { access, constants, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../store/errors.ts'
import { checkLock, giveLock, makeDirectory } from './directory.ts'
import { chosenOf, readBootId, readSnapshot, referencesOf, type Snapshot } from './lmdb-file.ts'

const LOOKS = 4
const LOOK_EVERY_MS = 25

export interface Preflight {
  /** The newest snapshot was not flushed when the power was cut: an older one is what there is. */
  readonly goesBack: boolean
  /** To be done when lmdb has opened the file. */
  opened(): Promise<void>
}

/**
 * Makes the directory and looks at the file before lmdb maps it: lmdb trusts its header, and reading a page that a damaged or
 * truncated file does not have would kill the process instead of throwing. For reading only nothing is made, and the file must be there.
 */
export async function preflight(path: string, readOnly = false): Promise<Preflight> {
  if (!readOnly) await makeDirectory(path)
  await access(path, constants.R_OK | constants.X_OK | (readOnly ? 0 : constants.W_OK))
  const opened = (await checkLock(path, readOnly)) ? async (): Promise<void> => undefined : (): Promise<void> => giveLock(path)
  const file = join(path, 'data.mdb')
  let handle: FileHandle
  try {
    handle = await open(file, readOnly ? 'r' : 'r+')
  } catch (error) {
    if (!readOnly && (error as NodeJS.ErrnoException).code === 'ENOENT') return { goesBack: false, opened }
    throw error
  }
  try {
    return { goesBack: await checkAgain(handle, file), opened }
  } finally {
    await handle.close()
  }
}

/** Another process may be writing just now: what looks damaged is looked at again. */
async function checkAgain(handle: FileHandle, file: string): Promise<boolean> {
  for (let look = 1; ; look++) {
    try {
      return await check(handle, file)
    } catch (error) {
      if (look === LOOKS) throw error
      await sleep(LOOK_EVERY_MS)
    }
  }
}

/** Gives whether it goes back to an older snapshot. */
async function check(handle: FileHandle, file: string): Promise<boolean> {
  // A process killed before it had written the header leaves an empty file: lmdb begins it anew.
  if ((await handle.stat()).size === 0) return false
  const { snapshot, goesBack } = await chosenSnapshot(handle, file)
  const { pageSize, lastPage } = snapshot
  // Asked for after the headers: another process may let the file grow meanwhile, never shrink.
  const pages = Math.floor((await handle.stat()).size / pageSize)
  if (pages > lastPage) return goesBack
  // Pages that a transaction took at the end and gave back are not written, however many: "the file may be shorter if the freeDB lists
  // the final pages" (mdb.c, mm_last_pg). So a short file is whole if nothing that can be read is missing.
  const missing = await missingPage(handle, snapshot, pages)
  if (missing !== undefined) throw broken(file, `it has ${pages} pages, and page ${missing} is in use`)
  return goesBack
}

/** The snapshot that reading will begin with. */
async function chosenSnapshot(handle: FileHandle, file: string): Promise<{ readonly snapshot: Snapshot; readonly goesBack: boolean }> {
  const first = await readSnapshot(handle, 0, true)
  if (first === undefined) throw broken(file, 'there is no lmdb header at byte 0')
  const { pageSize } = first
  if (pageSize < 512 || pageSize > 65_536) throw broken(file, `its header tells a page size of ${pageSize}`)
  const second = await readSnapshot(handle, pageSize, true)
  if (second === undefined) throw broken(file, `there is no lmdb header at byte ${pageSize}`)
  const flushed = await readSnapshot(handle, pageSize / 2, false)
  const boot = readBootId()
  const latest = chosenOf(first, second, boot)
  const chosen = flushed === undefined ? latest : chosenOf(latest, flushed, boot)
  return { snapshot: { ...chosen, pageSize }, goesBack: chosen.txn < first.txn || chosen.txn < second.txn }
}

/** The first page found that the snapshot names and the file has not, all trees walked. */
async function missingPage(handle: FileHandle, { roots, pageSize }: Snapshot, pages: number): Promise<number | undefined> {
  const page = Buffer.alloc(pageSize)
  const ahead = [...roots]
  for (let walked = 0; ahead.length > 0; walked++) {
    const at = ahead.pop() as number
    // More than there are: it leads in a circle.
    if (at >= pages || walked > pages) return at
    await handle.read(page, 0, pageSize, at * pageSize)
    try {
      for (const { page: next, count, tree } of referencesOf(page)) {
        if (next + count > pages) return next + count - 1
        if (tree) ahead.push(next)
      }
    } catch (error) {
      if (error instanceof RangeError) return at
      throw error
    }
  }
  return undefined
}

function broken(file: string, reason: string): StoreError {
  return new StoreError('STORE_BROKEN', `${file} is damaged: ${reason}`)
}
