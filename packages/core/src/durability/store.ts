import { isCoreError } from '../errors.ts'

/**
 * Where checkpoints live: the port behind which the truth of an agent's state is kept. The grid owns it, because the stores do:
 * in memory here (`memoryStore`), on disk there (`@stigmergy/grid/durable`).
 */
export type { Fence, StateStore as Store, Store as FullStore, StoreRecord } from '@stigmergy/grid/store'

/** True if a store refused a write because somebody else wrote (I1). Stores have error classes of their own; the codes are one. */
export function isFinal(error: unknown): boolean {
  return isConflict(error) || codeOf(error) === 'STORE_FENCED'
}

/** True if what is stored is not what the write was made upon. */
export function isConflict(error: unknown): boolean {
  return codeOf(error) === 'STORE_CONFLICT'
}

/** True if the store gave no answer, or none that speaks of what is stored: it may be well again later. */
export function isAway(error: unknown): boolean {
  return !isCoreError(error) || error.code === 'STORE_TIMEOUT'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
