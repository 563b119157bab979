/**
 * Where checkpoints live: the port behind which the truth of an agent's state is kept. The grid owns it, because the stores do:
 * in memory here (`memoryStore`), on disk there (`@stigmergy/grid/durable`).
 */
export type { Fence, StateStore as Store, Store as FullStore, StoreRecord } from '@stigmergy/grid/store'

/** True if a store refused a write because somebody else wrote (I1). Stores have error classes of their own; the codes are one. */
export function isFinal(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'STORE_FENCED' || code === 'STORE_CONFLICT'
}
