import { stat } from 'node:fs/promises'
import type { DurableReader } from '../../durable/durable-reader.ts'
import { GridError, quote } from '../../errors.ts'

/** What every command of the group says of its first argument. */
export const TARGET = 'DIR'

/** Opens the directory a person named, to look only. lmdb is loaded here and not before. */
export async function openTarget(target: string | undefined): Promise<DurableReader> {
  const path = target ?? ''
  if (/^[a-z\d]+:\/\//i.test(path))
    throw new GridError('BAD_OPTION', `${quote(path)} is no directory: give the one that openDurable({ path }) uses`)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined)
    throw new GridError('BAD_OPTION', `there is no directory ${quote(path)}: give the one that openDurable({ path }) uses`)
  if (!found.isDirectory()) throw new GridError('BAD_OPTION', `${quote(path)} is a file: give the directory it is in`)
  try {
    const { openDurableReader } = await import('../../durable/durable-reader.ts')
    return await openDurableReader(path)
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && /'lmdb'/.test(String(error))
    throw absent ? new GridError('UNSUPPORTED', 'the package lmdb 3.5.6 is not installed: add it to read a durable grid') : error
  }
}

/** Opens it, uses it and closes it. */
export async function withTarget<T>(target: string | undefined, use: (reader: DurableReader) => Promise<T>): Promise<T> {
  const reader = await openTarget(target)
  try {
    return await use(reader)
  } finally {
    await reader.close()
  }
}
