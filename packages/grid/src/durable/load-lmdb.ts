import type { open as openLmdb } from 'lmdb'
import { StoreError } from '../store/errors.ts'

/** An optional peer: loaded when the first directory is opened. */
export async function loadLmdb(): Promise<{ readonly open: typeof openLmdb }> {
  try {
    return await import('lmdb')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError('STORE_PEER', `a directory needs the package lmdb 3.5.6 (npm install lmdb@3.5.6): ${reason}`, { cause })
  }
}
