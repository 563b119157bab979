import type { RootDatabase } from 'lmdb'
import { dirname } from 'node:path'
import { flush } from '../blobs/disk-files.ts'
import { diskError } from './disk-errors.ts'
import { loadLmdb } from './load-lmdb.ts'
import type { ResolvedDurableOptions } from './options.ts'
import { preflight, type Preflight } from './preflight.ts'

export type Root = RootDatabase<Buffer, Buffer>

const encoding = 'binary'
const binary = { encoding, keyEncoding: encoding, cache: false } as const

/**
 * Opens the file for writing, by as many processes as there are. Throws `StoreError`; what is there is left untouched.
 *
 * lmdb's own way is to flush a commit after it was seen (`overlappingSync`). That is not for several processes: where one is killed in its
 * flush, the next one that flushes sets the number of the newest transaction without holding the writers' lock (mdb.c, `mdb_mutex_failed`
 * on `me_sync_mutex`). If another commits in that moment the number goes back, and what was acknowledged is overwritten. So here a commit
 * is flushed before it is seen. At level `process` its head need not be: the next commit flushes it, and a power cut in between leaves the
 * commit before, whole (`MDB_NOMETASYNC`).
 */
export async function openLmdb({ path, level, checkPages }: Pick<ResolvedDurableOptions, 'path' | 'level' | 'checkPages'>): Promise<Root> {
  const { open } = await loadLmdb()
  // Batches by turn of the event loop have a promise nobody can hear, which rejects when a commit fails and would end the process.
  // Without them writes are grouped all the same: those that come while a commit is under way share the next one.
  const options = { path, noSubdir: false, eventTurnBatching: false, maxDbs: 32, ...binary } as const
  try {
    const before = await preflight(path, checkPages)
    if (before.goesBack) {
      await before.checkPages()
      await goBack(open<Buffer, Buffer>({ ...options, overlappingSync: true }))
    }
    const root = open<Buffer, Buffer>({ ...options, overlappingSync: false, noMetaSync: level === 'process' })
    await checked(root, before)
    if (level === 'host') await flushNames(path)
    return root
  } catch (error) {
    throw diskError(error, path)
  }
}

/** Its pages are looked at while lmdb holds what it would read: nothing of that is written anew meanwhile. Closes it if they are damaged. */
export async function checked(root: Root, { checkPages, opened }: Preflight): Promise<void> {
  try {
    await opened()
    const reading = root.useReadTransaction()
    try {
      await checkPages()
    } finally {
      reading.done()
    }
  } catch (error) {
    await root.close()
    throw error
  }
}

/** lmdb flushes its file and not the name of it, nor those of the directories that were made for it. */
async function flushNames(path: string): Promise<void> {
  await flush(path)
  // One that may not be opened was not made for this.
  for (let above = dirname(path); ; above = dirname(above)) {
    await flush(above).catch(() => undefined)
    if (above === dirname(above)) return
  }
}

/** A power cut has left snapshots that were not flushed: lmdb goes back to one that was, if it is opened so, with its next commit. */
async function goBack(root: Root): Promise<void> {
  if (tableNames(root).includes('meta')) {
    const meta = root.openDB<Buffer, Buffer>('meta', { ...binary, useVersions: true })
    const [first] = meta.getRange({ limit: 1, versions: true })
    if (first !== undefined) await meta.put(first.key, first.value, first.version ?? 0)
    await root.flushed
  }
  await root.close()
}

/** What stands in the root of a file: its tables, and whatever else another program has put there. */
export function tableNames(root: Root): readonly string[] {
  return Array.from(root.getKeys(), (name) => name.toString().replace(/\0$/, ''))
}
