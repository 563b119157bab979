import type { BlobUpload } from '../blobs/ports.ts'
import type { LargeObjectBucket, ObjectUpload } from './bucket.ts'
import type { Operations } from '../store/operations.ts'

/** Parts are of this size, the last one may be smaller: at most three of them are in memory, and a blob has at most 10,000. */
const PART_BYTES = 8 * 1024 * 1024

export interface S3UploadParts {
  readonly bucket: LargeObjectBucket
  readonly operations: Operations
  /** Where the bytes go until their id is known. */
  readonly incoming: string
  keyFor(id: string): string
  /** Where nothing was ever written: a removal that is on its way cannot hit it. */
  freshKeyFor(id: string): string
  /** False: a collection is taking it, or has taken it just now, so it must be written again. */
  keep(id: string): Promise<boolean>
}

/** A small blob is one PUT. A large one goes up in parts under a name of its own, and is copied by the server once its id is known. */
export function createS3Upload({ bucket, operations, incoming, keyFor, freshKeyFor, keep }: S3UploadParts): BlobUpload {
  let chunks: Uint8Array[] = []
  let waiting = 0
  let parts = 0
  let upload: ObjectUpload | undefined
  let completed = false

  const call = <T>(what: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    operations.run(what, (signal) => operations.retry(signal, () => run(signal)))

  function take(bytes: number): Uint8Array {
    const all = Buffer.concat(chunks)
    chunks = bytes < all.length ? [all.subarray(bytes)] : []
    waiting -= Math.min(bytes, all.length)
    return all.subarray(0, bytes)
  }

  async function send(part: Uint8Array): Promise<void> {
    upload ??= await call('the start of an upload', (signal) => bucket.startUpload(incoming, { signal }))
    const to = upload
    const number = (parts += 1)
    await call(`part ${number} of an upload`, (signal) => to.part(number, part, { signal }))
  }

  async function complete(to: ObjectUpload): Promise<void> {
    try {
      await call('the end of an upload', (signal) => to.complete({ signal }))
    } catch (error) {
      // An answer may have been lost: completing again is refused, and the object is there.
      const { objects } = await call('a look at an upload', (signal) => bucket.list({ prefix: incoming, limit: 1, signal }))
      if (objects.length === 0) throw error
    }
    completed = true
  }

  return {
    async write(chunk) {
      chunks.push(chunk)
      waiting += chunk.length
      while (waiting >= PART_BYTES) await send(take(PART_BYTES))
    },
    async finish(id) {
      const rest = take(waiting)
      if (upload !== undefined) {
        if (rest.length > 0) await send(rest)
        await complete(upload)
      }
      for (let key = keyFor(id); ; key = freshKeyFor(id)) {
        const to = key
        if (upload === undefined) await call(`a put of blob ${id}`, (signal) => bucket.put(to, rest, { signal }))
        else await call(`a copy of blob ${id}`, (signal) => bucket.copy(incoming, to, { signal }))
        if (await keep(id)) break
      }
      if (completed) await call('the removal of an upload', (signal) => bucket.delete(incoming, { signal }))
    },
    async abort() {
      chunks = []
      // What is left is taken by a later collection.
      if (completed) await call('the removal of an upload', (signal) => bucket.delete(incoming, { signal })).catch(() => undefined)
      else if (upload !== undefined)
        await call('the abort of an upload', (signal) => upload?.abort({ signal }) ?? Promise.resolve()).catch(() => undefined)
    },
  }
}
