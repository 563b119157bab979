import { access, chown, constants, mkdir, stat, utimes } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { StoreError } from '../store/errors.ts'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Makes the directory and those above it. Not by `recursive`: that never ends where a file system says ENOENT whatever is made (/proc). */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && dirname(path) !== path) {
      await makeDirectory(dirname(path))
      await mkdir(path).catch((again: unknown) => allowDirectory(path, again))
    } else await allowDirectory(path, error)
  }
}

/** Throws the error unless the directory is there. */
async function allowDirectory(path: string, error: unknown): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) throw error
}

/**
 * Looks whether lmdb will be able to open its lock file: where it cannot, it ends the process instead of throwing. The file is not opened
 * for that: to close it again would drop the locks that this process has there for a store already open. Gives whether it is there.
 */
export async function checkLock(path: string, readOnly: boolean): Promise<boolean> {
  const file = join(path, 'lock.mdb')
  const found = await stat(file).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (found !== undefined && !found.isFile()) throw new StoreError('STORE_ACCESS', `${file} is not a file, and lmdb keeps its locks there`)
  try {
    await access(found === undefined ? path : file, constants.R_OK | constants.W_OK)
  } catch (error) {
    // Then a reader goes without.
    const without = readOnly && (codeOf(error) === 'EACCES' || codeOf(error) === 'EROFS')
    if (!without) throw error
  }
  if (found !== undefined && (process.geteuid?.() === 0 || process.geteuid?.() === found.uid)) await refuseAppendOnly(file, found)
  return found !== undefined
}

/** What may only be appended to passes for writable, and lmdb cannot open it. It shows where its owner may not set its times. */
async function refuseAppendOnly(file: string, { atime, mtime }: Stats): Promise<void> {
  try {
    await utimes(file, atime, mtime)
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return
    const message = `${file} may only be appended to, and lmdb writes its locks there: take that off (chattr -a)`
    throw new StoreError('STORE_ACCESS', message, { cause: error })
  }
}

/** A lock file that root has made belongs to whoever the data belong to: else only root could open the store from now on. */
export async function giveLock(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  try {
    const { uid, gid } = await stat(join(path, 'data.mdb'))
    if (uid !== 0) await chown(join(path, 'lock.mdb'), uid, gid)
  } catch {
    // Where root may not either, or there is none because nothing can be written: whom it locks out is told so when opening.
  }
}
