import { join, resolve as absolute } from 'node:path'
import { createBlobs } from '../blobs/create-blobs.ts'
import type { Blobs, BlobTag } from '../blobs/blobs.ts'
import { createDiskBytes } from '../blobs/disk-bytes.ts'
import { archiveInBlobs } from '../blobs/blob-archive.ts'
import type { SegmentArchive } from '../journal/archive.ts'
import type { Journal } from '../journal/journal.ts'
import { openJournal } from '../journal/open-journal.ts'
import type { LeaseRow } from '../store/authority.ts'
import { isStoreError, StoreError } from '../store/errors.ts'
import { checkNames } from '../store/rules.ts'
import { readOr, type TellBroken } from '../store/tell-broken.ts'
import type { Store } from '../store/store.ts'
import type { CheckPages } from './check-pages.ts'
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
  /** What cannot be read is told to `broken` and left out; without it that is an error. So it is with tags and journals. */
  leases(broken?: TellBroken): readonly LeaseEntry[]
  tags(broken?: TellBroken): AsyncIterable<BlobTag>
  journalNames(): readonly string[]
  journals(broken?: TellBroken): readonly JournalEntry[]
  /** Records by offset, hot or cold; `changed` resolves when there may be more. */
  journal(name: string): Pick<Journal, 'extent' | 'lag' | 'lastSeq' | 'read'> & {
    changed(signal: AbortSignal): Promise<void>
    /** Where what is stored together after this offset begins. */
    nextPart(after: number): number | undefined
  }
  close(): Promise<void>
}

export interface DurableReaderOptions {
  /** As of `openDurable`. @default { maxBytes: 1073741824 } */
  readonly checkPages?: CheckPages
}

/** Opens what is there, for people and tools that look. Throws `StoreError` STORE_ACCESS, STORE_BROKEN or STORE_NEWER. */
export async function openDurableReader(path: string, options: DurableReaderOptions = {}): Promise<DurableReader> {
  const place = absolute(path)
  checkNames('openDurableReader', options, ['checkPages'])
  const environment = await openReadEnvironment(place, options.checkPages)
  const { rows } = environment
  const journalTable = createLmdbJournalTable(environment)
  const leaseTable = environment.table('leases', true)
  const heads = environment.table('heads', true)
  const journalRows = environment.table('journals', true)
  const batches = environment.table('batches', false)
  const tags = createLmdbTags(environment)
  const blobs = createBlobs(createDiskBytes({ path: join(place, 'blobs') }), tags)

  /** The archive may as well be in a bucket, or somebody's own: nothing here tells where. */
  function archiveHere(journal: string): SegmentArchive {
    const archive = archiveInBlobs(blobs)
    return {
      ...archive,
      get: async (id) => {
        try {
          return await archive.get(id)
        } catch (cause) {
          if (!isStoreError(cause, 'BLOB_MISSING')) throw cause
          const text = `old records of journal ${journal} lie in blob ${id}, which is not in ${path}: its archive is elsewhere, or has lost it`
          throw new StoreError('BLOB_MISSING', text, { cause })
        }
      },
    }
  }

  /** Numbers under the names of one kind: last numbers of producers, positions of readers. */
  function numbers(kind: string, one: string, journal: string, broken: TellBroken | undefined): ReadonlyMap<string, number> {
    const prefix = Buffer.from(`${kind}${journal}\0`)
    const found = new Map<string, number>()
    for (const { key, value } of journalRows.getRange({ start: prefix, end: Buffer.concat([prefix, Buffer.alloc(9, 0xff)]) })) {
      const name = key.subarray(prefix.length).toString()
      const what = `${one} ${name} of journal ${journal}`
      const fields = readOr(broken, what, () => rows.read(value, what, key))
      if (fields !== undefined) found.set(name, fields[0] as number)
    }
    return found
  }

  function entryOf(name: string, broken: TellBroken | undefined): JournalEntry {
    const head = readOr(broken, `journal ${name}`, () => journalTable.head(name).row) ?? { first: 0, cold: 0, end: 0 }
    return { name, ...head, readers: numbers('r', 'reader', name, broken), producers: numbers('p', 'producer', name, broken) }
  }

  /** Where the next batch or segment after this offset begins: only keys are read. */
  function nextPart(journal: string, after: number): number | undefined {
    const starts = [Buffer.from(`${journal}\0`), Buffer.from(`s${journal}\0`)].flatMap((prefix, at) => {
      const start = Buffer.concat([prefix, Buffer.alloc(8)])
      start.writeBigUInt64BE(BigInt(after + 1), prefix.length)
      const keys = [batches, journalRows][at]?.getKeys({ start, end: Buffer.concat([prefix, Buffer.alloc(9, 0xff)]), limit: 1 }) ?? []
      return Array.from(keys, (key) => Number(key.readBigUInt64BE(prefix.length)))
    })
    return starts.length === 0 ? undefined : Math.min(...starts)
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
    tags: (broken) => tags.list(undefined, broken),
    leases(broken) {
      environment.refresh()
      return Array.from(leaseTable.getRange(), ({ key, value }) => {
        const name = key.toString()
        const row = readOr(broken, `lease ${name}`, () => toLeaseRow(rows.read(value, `lease ${name}`, key)))
        return row && { name, ...row }
      }).filter((lease) => lease !== undefined)
    },
    ids() {
      environment.refresh()
      return Array.from(heads.getKeys(), (key) => key.toString())
    },
    journalNames,
    journals: (broken) => journalNames().map((name) => entryOf(name, broken)),
    journal(name) {
      const journal = openJournal(journalTable, name, { archive: archiveHere(name) })
      return {
        extent: () => journal.extent(),
        nextPart: (after) => nextPart(name, after),
        lag: (reader) => journal.lag(reader),
        lastSeq: (producer) => journal.lastSeq(producer),
        read: (from, readOptions) => journal.read(from, readOptions),
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
