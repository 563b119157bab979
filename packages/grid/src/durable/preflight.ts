import { access, constants, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkLock, giveLock, makeDirectory } from './directory.ts'
import { broken, chosenSnapshot, faultsOf, LOOK_EVERY_MS, LOOKS } from './lmdb-walk.ts'

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
  const [fault] = await faultsOf(handle, snapshot, pages, 1)
  if (fault !== undefined) throw broken(file, `it has ${pages} pages. Page ${fault.page}: ${fault.why}`)
  return goesBack
}
