import { readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../time/clock.ts'
import { withDeadline } from '../store/deadline.ts'
import { isStoreError, StoreError } from '../store/errors.ts'
import { diskError } from './disk-errors.ts'

const REASON_WITHIN_MS = 250
/** Less than this left to write is none: a commit writes whole pages, and lets the file grow by many. */
const ROOM_BYTES = 1_048_576

// lmdb gives a transaction up before its head is written (mdb.c, mdb_txn_commit), so nobody will ever see anything of it.
const GIVEN_UP = /MDB_BAD_TXN|MDB_PROBLEM|-30782|-30779/

/** What a commit that failed is told as. */
export async function commitFailure(failure: unknown, clock: Clock, path: string): Promise<StoreError> {
  const reason = await commitError(failure, clock, path)
  if (isStoreError(reason)) return reason
  const { code, message } = reason as { readonly code?: unknown; readonly message?: unknown }
  if (!GIVEN_UP.test(`${String(code)} ${String(message)}`)) return diskError(reason, path)
  const next = 'try again, and if it stays so look for damage with `stigmergy grid verify`'
  const told = `lmdb gave up a transaction at ${path}, and nothing of it was written: ${next} (${String(message)})`
  return new StoreError('STORE_FAILED', told, { cause: reason })
}

/**
 * Why a commit failed. lmdb tells it in a promise within the error, which rejects by itself and must be heard; or it never does so,
 * and then it is looked whether there is room.
 */
async function commitError(failure: unknown, clock: Clock, path: string): Promise<unknown> {
  const { commitError: reason } = failure as { readonly commitError?: Promise<never> }
  if (reason === undefined) return failure
  try {
    return await withDeadline(reason, clock, REASON_WITHIN_MS, 'the reason of a failed commit')
  } catch (told) {
    if (!isStoreError(told)) return told
    return (await roomIn(path)) < ROOM_BYTES ? new StoreError('STORE_FULL', `no room left to write ${path}`, { cause: failure }) : failure
  }
}

/** Bytes that the file may still grow by: of the disk, and of the limit that the process has for any file. */
async function roomIn(path: string): Promise<number> {
  try {
    const { size } = await stat(join(path, 'data.mdb'))
    const { bavail, bsize } = await statfs(path)
    const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
    const limit = Number(/^Max file size +(\d+)/m.exec(limits)?.[1] ?? Infinity)
    return Math.min(bavail * bsize, limit - size)
  } catch {
    return Infinity
  }
}
