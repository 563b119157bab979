import { join } from 'node:path'
import { openEnvironment } from './environment.ts'
import { createGridIn } from './grid/durable-grid.ts'
import { createGroupCommit } from './group-commit.ts'
import { createLmdbLeases } from './lmdb-leases.ts'
import { createLmdbJournalTable } from './lmdb-journal-table.ts'
import { createLmdbTags } from './lmdb-tags.ts'
import { createLmdbStore } from './lmdb-store.ts'
import { resolveDurableOptions, type DurableOptions } from './options.ts'
import { createStoreWrites } from './store-writes.ts'
import { createTransact, type Transact } from './transaction.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { createBlobs } from '../blobs/create-blobs.ts'
import { createDiskBytes } from '../blobs/disk-bytes.ts'
import type { Journal } from '../journal/journal.ts'
import { openJournal } from '../journal/open-journal.ts'
import type { JournalOptions } from '../journal/options.ts'
import { createAuthority, type Authority, type AuthorityOptions } from '../store/authority.ts'
import type { Store } from '../store/store.ts'
import type { GridBackend } from '../driver.ts'

/** What must not be lost, in one directory: a store and an authority in one lmdb environment. */
export interface Durable extends AsyncDisposable {
  readonly store: Store
  /** Large things that never change: files under `blobs` in this directory, their tags in its environment. */
  readonly blobs: Blobs
  /**
   * The maps of this directory, for `openGrid(durable.backend)`: the same that `embedded({ path })` has there, of whichever process, and
   * able to be written in one {@link transaction} with the store.
   */
  readonly backend: GridBackend
  /**
   * Writes to the store and to maps in one step: all or none, at the level of the directory, and told to watchers as any other write.
   * Throws `StoreError` STORE_FENCED or STORE_CONFLICT (also where a map's entry has not the version expected) if any part is refused,
   * BAD_OPTION for a map of another place, `GridError` for a key or value that a map would refuse; then nothing was written.
   */
  readonly transaction: Transact
  /** An authority over the leases of this directory: as many as there are, in however many processes, they agree. */
  authority(options?: AuthorityOptions): Authority
  /** The journal of this name in this directory, shared with whoever opens it. Throws `StoreError` BAD_ID or BAD_OPTION. */
  journal(name: string, options?: JournalOptions): Journal
  /** Closes the file, and `blobs` with it. Authorities, journals and grids must be closed before. */
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
  const journals = createLmdbJournalTable(environment)
  const group = createGroupCommit(environment)
  const writes = createStoreWrites(environment)
  const maps = createGridIn(async () => ({ environment, group, leave: async () => {} }), resolved)
  const blobs = createBlobs(createDiskBytes({ path: join(resolved.path, 'blobs'), level: resolved.level }), createLmdbTags(environment))
  environment.beforeClose(() => maps.close())
  environment.beforeClose(() => blobs.close())
  return {
    store: createLmdbStore(environment, group, writes),
    backend: {
      name: 'embedded, durable',
      async open({ clock }) {
        environment.check()
        return maps.open(clock)
      },
    },
    transaction: createTransact(environment, group, writes),
    blobs,
    authority: (authorityOptions) => createAuthority(leases, { clock: resolved.clock, ...authorityOptions }),
    journal: (name, journalOptions) => openJournal(journals, name, { clock: resolved.clock, ...journalOptions }),
    close: () => environment.close(),
    [Symbol.asyncDispose]: () => environment.close(),
  }
}
