import { access, constants, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { checkLock, giveLock, makeDirectory } from './directory.ts'
import { brokenPage, chosenAgain, pageFaults } from './lmdb-walk.ts'
import type { CheckPages } from './check-pages.ts'

export interface Preflight {
  /** The newest snapshot was not flushed when the power was cut: an older one is what there is. */
  readonly goesBack: boolean
  /**
   * To be called when lmdb has opened the file, while it holds a reader: so nothing that a writer does meanwhile is taken for damage.
   * Throws `StoreError` STORE_BROKEN for the first page that lmdb cannot be trusted with.
   */
  checkPages(): Promise<void>
  /** To be done when lmdb has opened the file. */
  opened(): Promise<void>
}

/**
 * Makes the directory and looks at the file before lmdb maps it: lmdb trusts its header, and reading a page that a damaged or
 * truncated file does not have would kill the process instead of throwing. For reading only nothing is made, and the file must be there.
 */
export async function preflight(path: string, check: CheckPages, readOnly = false): Promise<Preflight> {
  if (!readOnly) await makeDirectory(path)
  await access(path, constants.R_OK | constants.X_OK | (readOnly ? 0 : constants.W_OK))
  const opened = (await checkLock(path, readOnly)) ? async (): Promise<void> => undefined : (): Promise<void> => giveLock(path)
  const file = join(path, 'data.mdb')
  let handle: FileHandle
  try {
    handle = await open(file, readOnly ? 'r' : 'r+')
  } catch (error) {
    if (!readOnly && (error as NodeJS.ErrnoException).code === 'ENOENT')
      return { goesBack: false, checkPages: async () => undefined, opened }
    throw error
  }
  try {
    // A process killed before it had written the header leaves an empty file: lmdb begins it anew.
    if ((await handle.stat()).size === 0) return { goesBack: false, checkPages: async () => undefined, opened }
    const { snapshot, goesBack } = await chosenAgain(handle, file)
    // Asked for after the headers: another process may let the file grow meanwhile, never shrink.
    const short = Math.floor((await handle.stat()).size / snapshot.pageSize) <= snapshot.lastPage
    return { goesBack, checkPages: () => checkPages(file, short ? Infinity : bytesOf(check)), opened }
  } finally {
    await handle.close()
  }
}

/**
 * A file that is short may be whole: pages that a transaction took at the end and gave back are not written, however many: "the file may
 * be shorter if the freeDB lists the final pages" (mdb.c, mm_last_pg). So all that can be read is looked for then, whatever was asked for.
 */
async function checkPages(file: string, maxBytes: number): Promise<void> {
  if (maxBytes === 0) return
  const faults = await pageFaults(file, { maxBytes })
  if (faults.length > 0) throw brokenPage(file, faults)
}

function bytesOf(check: CheckPages): number {
  if (check === 'always') return Infinity
  return check === 'never' ? 0 : check.maxBytes
}
