import { StoreError } from '../store/errors.ts'
import type { RowCodec } from '../store/row.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import { md5Tag, type TagKind } from './probe.ts'

/** What an object held when it was looked at; without `etag` there was none. */
export interface Seen {
  readonly etag: string | undefined
  /** The ids of the last writes, newest first. */
  readonly writes: readonly string[]
  readonly fields: readonly unknown[] | undefined
  /** In bytes. */
  readonly size: number
}

/** `now`: what the object holds, as far as it is known. */
export interface Swap {
  readonly swapped: boolean
  readonly now: Seen | undefined
}

/** Objects as linearizable compare-and-set registers, by conditional PUT. */
export interface Register {
  read(key: string, signal: AbortSignal): Promise<Seen>
  /**
   * Writes if the object is still the one that was seen. A lost answer is found out: the object tells its last writes.
   * Throws STORE_UNREACHABLE or STORE_TIMEOUT where it stays unknown.
   */
  swap(key: string, seen: Seen, fields: readonly unknown[], signal: AbortSignal): Promise<Swap>
}

/** How many writes may come after one whose answer was lost, before its outcome cannot be found out any more. */
const KNOWN_WRITES = 16

export function createRegister({ bucket, ids }: ResolvedS3Options, tags: TagKind, rows: RowCodec, { retry }: Operations): Register {
  async function read(key: string, signal: AbortSignal): Promise<Seen> {
    return retry(signal, async () => {
      const found = await bucket.get(key, { signal })
      if (found === undefined) return { etag: undefined, writes: [], fields: undefined, size: 0 }
      const { etag, bytes } = found
      const [writes, ...fields] = rows.read(bytes, key) as [readonly string[], ...unknown[]]
      // A gateway may read bytes and tag one after the other, and a write come between. With the old bytes and the new tag, a swap
      // would overwrite what it has not seen. Such an object is read again.
      if (tags === 'md5' && etag !== md5Tag(bytes)) {
        throw new StoreError('STORE_UNREACHABLE', `${bucket.place}: ${key} came with the tag of another write`)
      }
      return { etag, writes, fields, size: bytes.length }
    })
  }

  return {
    read,
    async swap(key, seen, fields, signal) {
      // Every write has an id of its own, so no content and no tag ever comes back.
      const id = ids()
      const writes = [id, ...seen.writes].slice(0, KNOWN_WRITES)
      const bytes = rows.pack([writes, ...fields])
      const condition = seen.etag === undefined ? { ifAbsent: true } : { ifMatch: seen.etag }
      // Safe to try again: of all tries at most one can find the condition true.
      const etag = await retry(signal, () => bucket.put(key, bytes, { ...condition, signal }))
      if (etag !== undefined) return { swapped: true, now: { etag, writes, fields, size: bytes.length } }
      // Refused; but an earlier try, ours or one the client made by itself, may have been written and its answer lost.
      const now = await read(key, signal)
      if (now.writes.includes(id)) return { swapped: true, now }
      const [before] = seen.writes
      const whole = before === undefined ? now.writes.length < KNOWN_WRITES : now.writes.includes(before)
      if (whole || now.etag === undefined) return { swapped: false, now }
      throw new StoreError(
        'STORE_TIMEOUT',
        `${key} was written ${KNOWN_WRITES} times or more since: whether this write was among them is unknown`,
      )
    },
  }
}
