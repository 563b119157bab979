import { isStoreError } from '../../store/errors.ts'

/** Whether what was looked at is damaged: not a bad question, and not a place that cannot be reached. */
export function isDamage(error: unknown): error is Error {
  if (isStoreError(error, 'STORE_BROKEN') || isStoreError(error, 'BLOB_BROKEN')) return true
  return error instanceof Error && error.name === 'GridError' && 'code' in error && error.code === 'BAD_ENVELOPE'
}
