import { join } from 'node:path'
import { createBlobs } from '../blobs/create-blobs.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { createDiskBytes } from '../blobs/disk-bytes.ts'
import { archiveInBlobs } from '../blobs/blob-archive.ts'
import type { Journal } from '../journal/journal.ts'
import { openJournal } from '../journal/open-journal.ts'
import type { LeaseRow } from '../store/authority.ts'
import type { Store } from '../store/store.ts'
import { createLmdbJournalTable } from './lmdb-journal-table.ts'
import { toLeaseRow } from './lmdb-leases.ts'
import { createLmdbStore } from './lmdb-store.ts'
import { createLmdbTags } from './lmdb-tags.ts'
import { createMapEntries, type MapEntries } from './map-entries.ts'
import { openReadEnvironment } from './read-environment.ts'

export interface LeaseEntry extends LeaseRow {
  readonly name: string
}

export interface JournalEntry {
  readonly name: string
  readonly first: number
  readonly cold: number
  readonly end: number
  /** Offsets they have saved. */
  readonly readers: ReadonlyMap<string, number>
  /** Their last numbers. */
  readonly producers: ReadonlyMap<string, number>
}

/** A directory of `openDurable`, opened only to look: also while others write to it. */
export interface DurableReader extends AsyncDisposable {
  readonly schemaVersion: number
  /** Size of the lmdb file. */
  readonly bytes: number
  readonly store: Pick<Store, 'get' | 'outbox' | 'revisions' | 'scan'>
  readonly blobs: Pick<Blobs, 'list' | 'read' | 'readAll' | 'resolve' | 'stat' | 'tags'>
  /** The maps of `embedded({ path })` in this directory. */
  readonly maps: MapEntries
  /** Ids of the records, also of one that cannot be read. */
  ids(): readonly string[]
  leases(): readonly LeaseEntry[]
  journalNames(): readonly string[]
  journals(): readonly JournalEntry[]
  /** Records by offset, hot or cold; `changed` resolves when there may be more. */
  journal(name: string): Pick<Journal, 'extent' | 'lag' | 'lastSeq' | 'read'> & { changed(signal: AbortSignal): Promise<void> }
  close(): Promise<void>
}

/** Opens what is there, for people and tools that look. Throws `StoreError` STORE_ACCESS, STORE_BROKEN or STORE_NEWER. */
export async function openDurableReader(path: string): Promise<DurableReader> {
  const environment = await openReadEnvironment(path)
  const { rows } = environment
  const journalTable = createLmdbJournalTable(environment)
  const leaseTable = environment.table('leases', true)
  const heads = environment.table('heads', true)
  const journalRows = environment.table('journals', true)
  const blobs = createBlobs(createDiskBytes({ path: join(path, 'blobs') }), createLmdbTags(environment))

  function entryOf(name: string): JournalEntry {
    const head = journalTable.head(name).row ?? { first: 0, cold: 0, end: 0 }
    const prefix = Buffer.from(`p${name}\0`)
    const producers = new Map<string, number>()
    for (const { key, value } of journalRows.getRange({ start: prefix, end: Buffer.concat([prefix, Buffer.alloc(9, 0xff)]) })) {
      producers.set(key.subarray(prefix.length).toString(), rows.read(value, `a producer of journal ${name}`)[0] as number)
    }
    return { name, ...head, readers: journalTable.readers(name), producers }
  }

  const journalNames = (): readonly string[] => {
    environment.refresh()
    return Array.from(journalRows.getKeys({ start: Buffer.from('h'), end: Buffer.from('i') }), (key) => key.subarray(1, -1).toString())
  }

  const close = async (): Promise<void> => {
    await blobs.close()
    await environment.close()
  }

  return {
    schemaVersion: environment.schemaVersion,
    bytes: environment.bytes,
    store: createLmdbStore(environment),
    blobs,
    maps: createMapEntries(environment),
    leases() {
      environment.refresh()
      return Array.from(leaseTable.getRange(), ({ key, value }) => {
        const name = key.toString()
        return { name, ...toLeaseRow(rows.read(value, `lease ${name}`)) }
      })
    },
    ids() {
      environment.refresh()
      return Array.from(heads.getKeys(), (key) => key.toString())
    },
    journalNames,
    journals: () => journalNames().map(entryOf),
    journal(name) {
      const journal = openJournal(journalTable, name, { archive: archiveInBlobs(blobs) })
      return {
        extent: () => journal.extent(),
        lag: (reader) => journal.lag(reader),
        lastSeq: (producer) => journal.lastSeq(producer),
        read: (from, options) => journal.read(from, options),
        changed: (signal) =>
          new Promise((resolve, reject) => {
            const end = (): void => {
              quit()
              signal.removeEventListener('abort', end)
              if (signal.aborted) reject(signal.reason)
              else resolve()
            }
            const quit = journalTable.listen(name, end)
            signal.addEventListener('abort', end)
            if (signal.aborted) end()
          }),
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
