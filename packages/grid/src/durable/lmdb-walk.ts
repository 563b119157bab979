import { open, type FileHandle } from 'node:fs/promises'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../store/errors.ts'
import { chosenOf, headFault, headsFault, isKnownVersion, isMarked, readBootId, readHead, snapshotOf, type Snapshot } from './lmdb-file.ts'
import { Pages, type PageFault } from './lmdb-pages.ts'

// Another process may be writing just now, and use pages again that the walk still has before it: what looks damaged is looked at again.
export const LOOKS = 4
export const LOOK_EVERY_MS = 25

const MOST_FAULTS = 100

export interface Chosen {
  readonly snapshot: Snapshot
  /** The page that tells of it. */
  readonly head: number
  /** The newest snapshot was not flushed when the power was cut: an older one is what there is. */
  readonly goesBack: boolean
}

/** The snapshot that reading will begin with. Throws `StoreError` STORE_BROKEN or STORE_NEWER. */
export async function chosenSnapshot(handle: FileHandle, file: string): Promise<Chosen> {
  const firstHead = await readHead(handle, 0)
  if (firstHead === undefined || !isMarked(firstHead)) throw broken(file, 'there is no lmdb header at byte 0')
  const first = snapshotOf(firstHead)
  const { pageSize } = first
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0)
    throw broken(file, `its header tells a page size of ${pageSize}`)
  const secondHead = await readHead(handle, pageSize)
  if (secondHead === undefined || !isMarked(secondHead)) throw broken(file, `there is no lmdb header at byte ${pageSize}`)
  const second = snapshotOf(secondHead)
  const apart = headsFault(firstHead, secondHead)
  if (apart !== undefined) throw broken(file, apart)
  if (!isKnownVersion(firstHead)) throw new StoreError('STORE_NEWER', `${file} is of another version of lmdb: environment version mismatch`)
  for (const [page, head] of [firstHead, secondHead].entries()) {
    const why = headFault(head, page)
    if (why !== undefined) throw brokenPage(file, [{ page, why }])
  }
  const half = await readHead(handle, pageSize / 2)
  const flushed = half && snapshotOf(half)
  const boot = readBootId()
  const latest = chosenOf(first, second, boot)
  const chosen = flushed === undefined ? latest : chosenOf(latest, flushed, boot)
  return {
    snapshot: { ...chosen, pageSize },
    head: chosen === second ? 1 : 0,
    goesBack: chosen.txn < first.txn || chosen.txn < second.txn,
  }
}

export interface WalkOptions {
  /** It ends after so many faults. @default 100 */
  readonly mostFaults?: number
  /** Of pages that are read. @default no limit */
  readonly maxBytes?: number
}

/**
 * Pages of the file that lmdb could not be trusted with, found without it: reading them with it may end the process. Whoever has a reader
 * of lmdb open on the file sees it as it is; without one a writer may use pages again meanwhile, and what looks damaged is looked at again.
 * Throws `StoreError` STORE_BROKEN for the head of the file.
 */
export async function pageFaults(file: string, options: WalkOptions = {}): Promise<readonly PageFault[]> {
  const handle = await open(file, 'r')
  try {
    let faults: readonly PageFault[] | undefined
    for (let look = 1; ; look++) {
      if ((await handle.stat()).size === 0) return []
      const chosen = await chosenAgain(handle, file)
      const found = await walk(handle, chosen, options)
      // Nobody has committed since: what it leads to was not written anew.
      if (found.length === 0 || (await chosenAgain(handle, file)).snapshot.txn === chosen.snapshot.txn) return found
      const before = faults
      faults = before === undefined ? found : found.filter(({ page, why }) => before.some((each) => each.page === page && each.why === why))
      if (look === LOOKS || faults.length === 0) return faults
      await sleep(LOOK_EVERY_MS)
    }
  } finally {
    await handle.close()
  }
}

/** A head is written while it is read, now and then. */
export async function chosenAgain(handle: FileHandle, file: string): Promise<Chosen> {
  for (let look = 1; ; look++) {
    try {
      return await chosenSnapshot(handle, file)
    } catch (error) {
      if (look === LOOKS) throw error
      await sleep(LOOK_EVERY_MS)
    }
  }
}

async function walk(handle: FileHandle, { snapshot, head }: Chosen, options: WalkOptions): Promise<readonly PageFault[]> {
  const { mostFaults = MOST_FAULTS, maxBytes = Infinity } = options
  const pages = Math.floor((await handle.stat()).size / snapshot.pageSize)
  const walked = new Pages({ fd: handle.fd, snapshot, head, pages, mostFaults, mostPages: maxBytes / snapshot.pageSize })
  for (const part of walked.walk()) await turn(part)
  return walked.faults
}

function broken(file: string, reason: string): StoreError {
  return new StoreError('STORE_BROKEN', `${file} is damaged: ${reason}`)
}

/** Quotes the first page, and says how many more there are. */
export function brokenPage(file: string, faults: readonly PageFault[]): StoreError {
  const [first] = faults
  const more = faults.length > 1 ? `; and ${faults.length - 1} more, which \`stigmergy grid verify\` names` : ''
  return broken(file, `page ${first?.page}: ${first?.why}${more}`)
}
