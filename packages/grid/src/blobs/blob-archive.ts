import { createHash } from 'node:crypto'
import { isStoreError } from '../store/errors.ts'
import type { SegmentArchive } from '../journal/archive.ts'
import type { Blobs } from './blobs.ts'
import { putTagged } from './put-tagged.ts'

// As long as the name of a tag may be.
const LONGEST = 400
const ID_CHARACTERS = 16

/** The name of the tags of a journal's segments. One that is too long once it is encoded is told by its hash; no encoded name holds a colon. */
export function archiveName(journal: string): string {
  const name = `journal/${encodeURIComponent(journal)}`
  return name.length <= LONGEST ? name : `journal/sha256:${createHash('sha256').update(journal).digest('hex')}`
}

/**
 * Keeps a journal's old segments as blobs, each under a tag `journal/NAME@FIRST.0.0-ID`, so that no collection takes them. The tag names
 * the bytes: two processes may cut the same records in two ways, and whichever the journal takes must stay.
 */
export function archiveInBlobs(blobs: Blobs): SegmentArchive {
  const versionOf = (first: number, id: string): string => `${first}.0.0-b${id.slice(0, ID_CHARACTERS)}`

  /** How releases before this one named it. */
  async function untagOld(journal: string, first: number, id: string): Promise<void> {
    try {
      await blobs.untag(archiveName(journal), `${first}.0.0`, id)
    } catch (error) {
      // Of other bytes: those are in the journal.
      if (!isStoreError(error, 'TAG_CONFLICT')) throw error
    }
  }

  return {
    put: (journal, first, bytes) => putTagged(blobs, archiveName(journal), (id) => versionOf(first, id), bytes),
    get: (id) => blobs.readAll(id),
    async drop(journal, first, id) {
      await blobs.untag(archiveName(journal), versionOf(first, id), id)
      await untagOld(journal, first, id)
    },
  }
}
