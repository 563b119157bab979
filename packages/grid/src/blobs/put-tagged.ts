import { isStoreError } from '../store/errors.ts'
import type { Blobs } from './blobs.ts'

/** So often it is tried, where one collection after the other comes in between. */
const TIMES = 5

/**
 * Puts the bytes and tags them with a version of their id, and returns their id. A collection that gives no time may take them in between: then they are put again.
 * Throws what `put` and `tag` throw.
 */
export async function putTagged(
  blobs: Pick<Blobs, 'put' | 'tag'>,
  name: string,
  versionOf: (id: string) => string,
  bytes: Uint8Array,
): Promise<string> {
  for (let time = 1; ; time++) {
    const { id } = await blobs.put(bytes)
    try {
      await blobs.tag(name, versionOf(id), id)
      return id
    } catch (error) {
      if (time === TIMES || !isStoreError(error, 'BLOB_MISSING')) throw error
    }
  }
}
