import { createHash } from 'node:crypto'
import { isStoreError } from '../store/errors.ts'
import type { SegmentArchive } from '../journal/archive.ts'
import type { Blobs } from './blobs.ts'

// As long as the name of a tag may be.
const LONGEST = 400

/** A name that is too long once it is encoded is told by its hash; no encoded name holds a colon. */
function nameOf(journal: string): string {
  const name = `journal/${encodeURIComponent(journal)}`
  return name.length <= LONGEST ? name : `journal/sha256:${createHash('sha256').update(journal).digest('hex')}`
}

/** Keeps a journal's old segments as blobs, each under the tag `journal/NAME@FIRST.0.0`, so that no collection takes them. */
export function archiveInBlobs(blobs: Blobs): SegmentArchive {
  const versionOf = (first: number): string => `${first}.0.0`

  async function present(journal: string, first: number): Promise<string | undefined> {
    try {
      return (await blobs.resolve(`${nameOf(journal)}@${versionOf(first)}`)).id
    } catch (error) {
      if (isStoreError(error, 'BLOB_MISSING')) return undefined
      throw error
    }
  }

  return {
    async put(journal, first, bytes) {
      const { id } = await blobs.put(bytes)
      // Another process may have cut the same records elsewhere and died before the journal knew.
      const from = await present(journal, first)
      await blobs.tag(nameOf(journal), versionOf(first), id, from === undefined ? {} : { from })
      return id
    },
    get: (id) => blobs.readAll(id),
    async drop(journal, first) {
      const id = await present(journal, first)
      if (id !== undefined) await blobs.untag(nameOf(journal), versionOf(first), id)
    },
  }
}
