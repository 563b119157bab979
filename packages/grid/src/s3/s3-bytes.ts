import type { BlobBytes } from '../blobs/ports.ts'
import { isBlobId } from '../blobs/references.ts'
import { StoreError } from '../store/errors.ts'
import type { LargeObjectBucket, ListedObject, StoredObject } from './bucket.ts'
import { listAll } from './list-all.ts'
import type { Operations } from '../store/operations.ts'
import type { ResolvedS3Options } from './options.ts'
import type { Register, Seen, Swap } from './register.ts'
import { createS3Upload } from './s3-upload.ts'

const READ_BYTES = 8 * 1024 * 1024
const DEAD_MS = 3_600_000
/** So many objects of one blob are looked at: there is one, and one more for each put that met a removal. */
const OBJECTS = 16
const ID_LENGTH = 64

interface Aside {
  readonly mark: Seen
  readonly keys: readonly string[]
}

/**
 * Blobs as objects: `blobs/ID`. To remove one, an object `aside/ID` goes by compare-and-set from `aside` to `doomed`, and then names the
 * objects that go; whoever puts or tags the blob meanwhile turns `aside` into `kept`. A put that finds it doomed waits for nobody, for the
 * collection may be dead: it writes an object of its own, `blobs/ID.` and what never repeats, which no removal under way can reach. Ages
 * are told by the server's clock, which S3 itself keeps within 15 minutes of ours.
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

  /** Its objects: all have the same bytes. */
  async function findAll(id: string): Promise<readonly ListedObject[]> {
    const { objects } = await operations.run(`a look at blob ${id}`, (signal) =>
      operations.retry(signal, () => bucket.list({ prefix: keyFor(id), limit: OBJECTS, signal })),
    )
    return objects.filter(({ key }) => idAt(key) === id)
  }

  /** The last one: where there are several, the first may be on its way out. */
  const find = async (id: string): Promise<ListedObject | undefined> => (await findAll(id)).at(-1)

  function idAt(key: string): string | undefined {
    const name = key.slice(`${prefix}blobs/`.length)
    const id = name.slice(0, ID_LENGTH)
    return isBlobId(id) && (name.length === ID_LENGTH || name[ID_LENGTH] === '.') ? id : undefined
  }

  /** The objects a mark that says `doomed` names; releases before this one named none, and there was one. */
  function doomedBy(id: string, { fields }: Seen): readonly string[] | undefined {
    if (fields?.[0] !== 'doomed') return undefined
    return (fields[1] as readonly string[] | undefined) ?? [keyFor(id)]
  }

  /** Turns `aside` into `kept`. */
  async function keep(id: string): Promise<boolean> {
    const doomed = await operations.run(`keeping blob ${id}`, async (signal) => {
      for (;;) {
        const seen = await register.read(markFor(id), signal)
        if (seen.fields?.[0] !== 'aside') return doomedBy(id, seen)
        if ((await register.swap(markFor(id), seen, ['kept'], signal)).swapped) return undefined
        signal.throwIfAborted()
      }
    })
    return (await findAll(id)).some(({ key }) => doomed?.includes(key) !== true)
  }

  async function* chunksOf(id: string, { key: first, size }: ListedObject): AsyncGenerator<Uint8Array> {
    let key = first
    for (let start = 0; start < size; start += READ_BYTES) {
      const range = { start, end: Math.min(size, start + READ_BYTES) }
      let part = await read(id, key, range)
      if (part === undefined) {
        // Another object has the same bytes, if it was put again.
        const other = await find(id)
        if (other !== undefined) part = await read(id, (key = other.key), range)
      }
      if (part === undefined) throw new StoreError('BLOB_MISSING', `blob ${id} was removed while it was read`)
      yield part.bytes
    }
  }

  function read(id: string, key: string, range: { readonly start: number; readonly end: number }): Promise<StoredObject | undefined> {
    return operations.run(`a read of blob ${id}`, (signal) => operations.retry(signal, () => bucket.get(key, { range, signal })))
  }

  /** A mark that says `kept` stays: another collection may have made it its own since, and to remove that one would free it to remove. */
  async function restore(id: string, mark: Seen): Promise<void> {
    await operations.run(`putting back blob ${id}`, (signal) => register.swap(markFor(id), mark, ['kept'], signal))
  }

  function allOld(objects: readonly ListedObject[], graceMs: number): boolean {
    return objects.length > 0 && objects.every((object) => isOld(object, graceMs))
  }

  return {
    level: resolved.level,
    async begin() {
      const freshKeyFor = (id: string): string => `${keyFor(id)}.${ids()}`
      return createS3Upload({ bucket, operations, incoming: `${prefix}incoming/${ids()}`, keyFor, freshKeyFor, keep })
    },
    async open(id) {
      const found = await find(id)
      return found && chunksOf(id, found)
    },
    size: async (id) => (await find(id))?.size,
    async *list() {
      let last: string | undefined
      for await (const page of listAll(bucket, operations, `${prefix}blobs/`)) {
        for (const { key, size } of page) {
          const id = idAt(key)
          if (id !== undefined && id !== last) yield { id, size }
          last = id
        }
      }
    },
    keep,
    async setAside(id, graceMs): Promise<Aside | undefined> {
      if (!allOld(await findAll(id), graceMs)) return undefined
      const mark = await operations.run(`setting aside blob ${id}`, async (signal) => {
        const seen = await register.read(markFor(id), signal)
        // Another collection is at it.
        if (seen.fields !== undefined && seen.fields[0] !== 'kept') return undefined
        const { swapped, now } = await register.swap(markFor(id), seen, ['aside'], signal)
        return swapped ? now : undefined
      })
      if (mark === undefined) return undefined
      // It may have been put again between the look and the mark.
      const again = await findAll(id)
      if (allOld(again, graceMs)) return { mark, keys: again.map(({ key }) => key) }
      await restore(id, mark)
      return undefined
    },
    restore: (id, aside) => restore(id, (aside as Aside).mark),
    async discard(id, aside) {
      const { mark, keys } = aside as Aside
      const doom = (signal: AbortSignal): Promise<Swap> => register.swap(markFor(id), mark, ['doomed', keys], signal)
      const { swapped } = await operations.run(`dooming blob ${id}`, doom)
      if (!swapped) return
      // Nobody else changes a mark that says so.
      for (const key of keys) await remove(key)
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
      return doomedBy(id, seen)
    })
    for (const key of doomed ?? []) await remove(key)
    if (doomed !== undefined || (await find(id)) === undefined) await remove(markFor(id))
  }
}
