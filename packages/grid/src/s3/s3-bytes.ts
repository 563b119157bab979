import type { BlobBytes } from '../blobs/ports.ts'
import { isBlobId } from '../blobs/references.ts'
import { isStoreError, StoreError } from '../store/errors.ts'
import type { LargeObjectBucket, ListedObject } from './bucket.ts'
import { listAll } from './list-all.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import type { Register, Seen, Swap } from './register.ts'
import { createS3Upload } from './s3-upload.ts'

const READ_BYTES = 8 * 1024 * 1024
const DEAD_MS = 3_600_000
const LOOK_EVERY_MS = 50

/**
 * Blobs as objects: `blobs/ID`. To remove one, an object `aside/ID` goes by compare-and-set from `aside` to `doomed`; whoever puts or
 * tags the blob meanwhile turns `aside` into `kept`, or waits until what is doomed is gone. Ages are told by the server's clock, which
 * S3 itself keeps within 15 minutes of ours.
 */
export function createS3Bytes(
  resolved: ResolvedS3Options,
  bucket: LargeObjectBucket,
  register: Register,
  operations: Operations,
): BlobBytes {
  const { prefix, clock, ids } = resolved
  const keyFor = (id: string): string => `${prefix}blobs/${id}`
  const markFor = (id: string): string => `${prefix}aside/${id}`
  const remove = (key: string): Promise<void> =>
    operations.run(`the removal of ${key}`, (signal) => operations.retry(signal, () => bucket.delete(key, { signal })))
  const isOld = ({ modifiedMs }: ListedObject, graceMs: number): boolean => clock.wallNow() - modifiedMs >= graceMs

  async function find(id: string): Promise<ListedObject | undefined> {
    const { objects } = await operations.run(`a look at blob ${id}`, (signal) =>
      operations.retry(signal, () => bucket.list({ prefix: keyFor(id), limit: 1, signal })),
    )
    return objects[0]?.key === keyFor(id) ? objects[0] : undefined
  }

  /** Turns `aside` into `kept`. Waits while it is doomed, as long as an operation may take. */
  async function keep(id: string): Promise<boolean> {
    let state: unknown
    const kept = operations.run(`keeping blob ${id}`, async (signal) => {
      for (;;) {
        const seen = await register.read(markFor(id), signal)
        state = seen.fields?.[0]
        if (state === undefined || state === 'kept') return
        if (state === 'aside' && (await register.swap(markFor(id), seen, ['kept'], signal)).swapped) return
        if (state === 'doomed') await pause(signal)
        signal.throwIfAborted()
      }
    })
    await kept.catch((error: unknown) => {
      if (state !== 'doomed' || !isStoreError(error, 'STORE_TIMEOUT')) throw error
      const text = `a collection is removing blob ${id}, or was killed while it did: then one that runs an hour later ends that`
      throw new StoreError('STORE_TIMEOUT', `${text} (${error.message})`, { cause: error })
    })
    return (await find(id)) !== undefined
  }

  function pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clock.clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.setTimeout(end, LOOK_EVERY_MS)
      signal.addEventListener('abort', end)
    })
  }

  async function* chunksOf(id: string, size: number): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < size; start += READ_BYTES) {
      const range = { start, end: Math.min(size, start + READ_BYTES) }
      const part = await operations.run(`a read of blob ${id}`, (signal) =>
        operations.retry(signal, () => bucket.get(keyFor(id), { range, signal })),
      )
      if (part === undefined) throw new StoreError('BLOB_MISSING', `blob ${id} was removed while it was read`)
      yield part.bytes
    }
  }

  /** A mark that says `kept` stays: another collection may have made it its own since, and to remove that one would free it to remove. */
  async function restore(id: string, aside: Seen): Promise<void> {
    await operations.run(`putting back blob ${id}`, (signal) => register.swap(markFor(id), aside, ['kept'], signal))
  }

  return {
    level: resolved.level,
    begin: async () => createS3Upload({ bucket, operations, incoming: `${prefix}incoming/${ids()}`, keyFor, keep }),
    async open(id) {
      const found = await find(id)
      return found && chunksOf(id, found.size)
    },
    size: async (id) => (await find(id))?.size,
    async *list() {
      for await (const page of listAll(bucket, operations, `${prefix}blobs/`)) {
        for (const { key, size } of page) {
          const id = key.slice(`${prefix}blobs/`.length)
          if (isBlobId(id)) yield { id, size }
        }
      }
    },
    keep,
    async setAside(id, graceMs) {
      const found = await find(id)
      if (found === undefined || !isOld(found, graceMs)) return undefined
      const set = await operations.run(`setting aside blob ${id}`, async (signal) => {
        const seen = await register.read(markFor(id), signal)
        // Another collection is at it.
        if (seen.fields !== undefined && seen.fields[0] !== 'kept') return undefined
        const { swapped, now } = await register.swap(markFor(id), seen, ['aside'], signal)
        return swapped ? now : undefined
      })
      if (set === undefined) return undefined
      // It may have been put again between the look and the mark.
      const again = await find(id)
      if (again !== undefined && isOld(again, graceMs)) return set
      await restore(id, set)
      return undefined
    },
    restore: (id, aside) => restore(id, aside as Seen),
    async discard(id, aside) {
      const doom = (signal: AbortSignal): Promise<Swap> => register.swap(markFor(id), aside as Seen, ['doomed'], signal)
      const { swapped } = await operations.run(`dooming blob ${id}`, doom)
      if (!swapped) return
      // Nobody else changes a mark that says so.
      await remove(keyFor(id))
      await remove(markFor(id))
    },
    async clean(graceMs) {
      const dead = Math.max(graceMs, DEAD_MS)
      for await (const page of listAll(bucket, operations, `${prefix}incoming/`)) {
        for (const object of page) if (isOld(object, dead)) await remove(object.key)
      }
      for await (const page of listAll(bucket, operations, `${prefix}aside/`)) {
        for (const object of page) {
          const id = object.key.slice(`${prefix}aside/`.length)
          if (isBlobId(id) && isOld(object, dead)) await recover(id)
        }
      }
    },
  }

  /** A collection was killed: what it had not doomed stays, what it had goes. A mark goes when its blob has gone. */
  async function recover(id: string): Promise<void> {
    const doomed = await operations.run(`recovering blob ${id}`, async (signal) => {
      const seen = await register.read(markFor(id), signal)
      if (seen.fields?.[0] === 'aside') await register.swap(markFor(id), seen, ['kept'], signal)
      return seen.fields?.[0] === 'doomed'
    })
    if (doomed) await remove(keyFor(id))
    if (doomed || (await find(id)) === undefined) await remove(markFor(id))
  }
}
