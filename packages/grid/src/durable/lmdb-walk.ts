import { open, type FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../store/errors.ts'
import { chosenOf, readBootId, readSnapshot, type Snapshot } from './lmdb-file.ts'
import { referencesOf } from './lmdb-page.ts'

// Another process may be writing just now, and use pages again that the walk still has before it: what looks damaged is looked at again.
export const LOOKS = 4
export const LOOK_EVERY_MS = 25

const MOST_FAULTS = 100

export interface Chosen {
  readonly snapshot: Snapshot
  /** The newest snapshot was not flushed when the power was cut: an older one is what there is. */
  readonly goesBack: boolean
}

/** The snapshot that reading will begin with. Throws `StoreError` STORE_BROKEN. */
export async function chosenSnapshot(handle: FileHandle, file: string): Promise<Chosen> {
  const first = await readSnapshot(handle, 0, true)
  if (first === undefined) throw broken(file, 'there is no lmdb header at byte 0')
  const { pageSize } = first
  if (pageSize < 512 || pageSize > 65_536) throw broken(file, `its header tells a page size of ${pageSize}`)
  const second = await readSnapshot(handle, pageSize, true)
  if (second === undefined) throw broken(file, `there is no lmdb header at byte ${pageSize}`)
  const flushed = await readSnapshot(handle, pageSize / 2, false)
  const boot = readBootId()
  const latest = chosenOf(first, second, boot)
  const chosen = flushed === undefined ? latest : chosenOf(latest, flushed, boot)
  return { snapshot: { ...chosen, pageSize }, goesBack: chosen.txn < first.txn || chosen.txn < second.txn }
}

export interface PageFault {
  readonly page: number
  readonly why: string
}

/** What is wrong with the pages that the snapshot leads to, all trees walked, up to `most` of them. */
export async function faultsOf(
  handle: FileHandle,
  { roots, pageSize }: Snapshot,
  pages: number,
  most: number,
): Promise<readonly PageFault[]> {
  const page = Buffer.alloc(pageSize)
  const ahead = [...roots]
  const faults: PageFault[] = []
  for (let walked = 0; ahead.length > 0 && faults.length < most; walked++) {
    const at = ahead.pop() as number
    if (at >= pages) faults.push({ page: at, why: 'it is in use, and the file ends before it' })
    // More than there are: it leads in a circle.
    else if (walked > pages) return [...faults, { page: at, why: 'pages lead to it in a circle' }]
    else {
      await handle.read(page, 0, pageSize, at * pageSize)
      try {
        for (const { page: next, count, tree } of referencesOf(page, at)) {
          if (tree) ahead.push(next)
          else if (next + count > pages) faults.push({ page: next + count - 1, why: 'it is in use, and the file ends before it' })
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        faults.push({ page: at, why: error.message })
      }
    }
  }
  return faults
}

/** Pages of the file that lmdb could not be trusted with, found without it: reading them with it may end the process. */
export async function pageFaults(file: string): Promise<readonly PageFault[]> {
  const handle = await open(file, 'r')
  try {
    let faults: readonly PageFault[] | undefined
    for (let look = 1; ; look++) {
      if ((await handle.stat()).size === 0) return []
      const { snapshot } = await chosenSnapshot(handle, file)
      const found = await faultsOf(handle, snapshot, Math.floor((await handle.stat()).size / snapshot.pageSize), MOST_FAULTS)
      const before = faults
      faults = before === undefined ? found : found.filter(({ page, why }) => before.some((each) => each.page === page && each.why === why))
      if (look === LOOKS || faults.length === 0) return faults
      await sleep(LOOK_EVERY_MS)
    }
  } finally {
    await handle.close()
  }
}

export function broken(file: string, reason: string): StoreError {
  return new StoreError('STORE_BROKEN', `${file} is damaged: ${reason}`)
}
