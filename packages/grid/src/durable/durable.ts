import { openEnvironment } from './environment.ts'
import { createLmdbLeases } from './lmdb-leases.ts'
import { createLmdbStore } from './lmdb-store.ts'
import { resolveDurableOptions, type DurableOptions } from './options.ts'
import { createAuthority, type Authority, type AuthorityOptions } from '../store/authority.ts'
import type { Store } from '../store/store.ts'

/** What must not be lost, in one directory: a store and an authority in one lmdb environment. */
export interface Durable extends AsyncDisposable {
  readonly store: Store
  /** An authority over the leases of this directory: as many as there are, in however many processes, they agree. */
  authority(options?: AuthorityOptions): Authority
  /** Closes the file. Authorities must be closed before. */
  close(): Promise<void>
}

/**
 * Opens the directory, or makes it. Needs the package `lmdb`.
 * Throws `StoreError` BAD_OPTION, STORE_ACCESS, STORE_BROKEN, STORE_NEWER or STORE_FULL; what is there is left untouched.
 */
export async function openDurable(options: DurableOptions): Promise<Durable> {
  const resolved = resolveDurableOptions(options)
  const environment = await openEnvironment(resolved)
  const leases = createLmdbLeases(environment)
  return {
    store: createLmdbStore(environment),
    authority: (authorityOptions) => createAuthority(leases, { clock: resolved.clock, ...authorityOptions }),
    close: () => environment.close(),
    [Symbol.asyncDispose]: () => environment.close(),
  }
}
