export { createAuthority } from './authority.ts'
export type { AcquireOptions, Authority, AuthorityOptions, Lease, LeaseRow, LeaseTable, LeaseWatch } from './authority.ts'
export { isStoreError, STORE_ERRORS, StoreError } from './errors.ts'
export type { StoreErrorCode } from './errors.ts'
export { createMapStore, type StoredInMap } from './map-store.ts'
export { createMemoryLeases } from './memory-leases.ts'
export { createMemoryStore } from './memory-store.ts'
export type { MemoryStoreOptions } from './memory-store.ts'
export type {
  AckLevel,
  CommitOutcome,
  Fence,
  OutboxItem,
  ScanOptions,
  StateStore,
  Store,
  StoreCommit,
  StoreEntry,
  StoreRecord,
} from './store.ts'
