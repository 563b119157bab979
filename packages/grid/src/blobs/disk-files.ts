import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'

/** What the promise gives; undefined if it fails because there is no such file, or with the other code. */
export async function orMissing<T>(promise: Promise<T>, also?: string): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === also) return undefined
    throw error
  }
}

/** None where there is no such directory. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  return (await orMissing(readdir(directory))) ?? []
}

export async function isOld(file: string, graceMs: number): Promise<boolean> {
  const found = await orMissing(stat(file))
  // Both times are of this machine's wall clock: a file system has no other. A grace of an hour forgives its steps.
  return found !== undefined && Date.now() - Math.floor(found.mtimeMs) >= graceMs
}

/** Waits until the disk has a file's bytes, or a directory's names. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
