import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { diskError } from '../durable/disk-errors.ts'
import { badOption, checkNames } from '../store/rules.ts'
import type { AckLevel } from '../store/store.ts'
import type { BlobInfo } from './blobs.ts'
import { flush, isOld, namesIn, orMissing } from './disk-files.ts'
import type { BlobBytes } from './ports.ts'
import { isBlobId } from './references.ts'

export interface DiskBytesOptions {
  /** A directory of its own, on a local disk; made when the first blob is put. */
  readonly path: string
  /**
   * `process`: after a power cut a blob may be gone, or there with other bytes, which reading it tells. `host`: its bytes and its name are
   * flushed before `put` resolves, and before a tag of it does. @default 'process'
   */
  readonly level?: Exclude<AckLevel, 'none'>
}

function resolveDiskBytes(options: DiskBytesOptions): Required<DiskBytesOptions> {
  checkNames('createDiskBytes', options, ['path', 'level'])
  const { path, level = 'process' } = options
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw badOption('path', path, 'the path of a directory')
  if (level !== 'process' && level !== 'host') throw badOption('level', level, "'process' or 'host'")
  // One place, wherever the process goes.
  return { path: resolve(path), level }
}

const READ_BYTES = 256 * 1024
/** A put that has written nothing for so long is taken for one that was killed, whatever the grace of a collection. */
const DEAD_PUT_MS = 3_600_000
const ID_LENGTH = 64
/** A blob that moves to and fro all the time is missed by a look every other time or so: by so many in a row it never is. */
const LOOKS = 24

/**
 * Blobs as files: `objects/ab/abcd…`, written under `incoming` and renamed when whole. `trash` holds what collections have set aside, each
 * under a name of its own: so none takes away what a tag or another collection has put back meanwhile.
 * The time of a file is that of its last put; a put always renames a new file over an older one of the same bytes.
 */
export function createDiskBytes(options: DiskBytesOptions): BlobBytes {
  const { path, level } = resolveDiskBytes(options)
  const objects = join(path, 'objects')
  const directory = (id: string): string => join(objects, id.slice(0, 2))
  const object = (id: string): string => join(directory(id), id)
  const incoming = join(path, 'incoming')
  const trash = join(path, 'trash')
  const asides = async (id: string): Promise<string[]> => {
    const names = await namesIn(trash)
    return names.filter((name) => name.startsWith(id)).map((name) => join(trash, name))
  }
  /** Of these it is known that their names are on the disk, and those of all above them. */
  const onDisk = new Set<string>()
  /** The directory that was there when the place was made. */
  let top = dirname(path)

  const at = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw diskError(error, path)
    }
  }

  /** What `look` finds under one of its names: set aside it is still there for readers, and it may move to and fro between two looks. */
  async function find<T>(id: string, look: (file: string) => Promise<T>): Promise<T | undefined> {
    for (let turn = 0; turn < LOOKS; turn++) {
      const here = await orMissing(look(object(id)))
      if (here !== undefined) return here
      for (const file of await asides(id)) {
        const found = await orMissing(look(file))
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  /** Back under its name, unless it was put again meanwhile. */
  async function back(id: string, aside: string): Promise<void> {
    await orMissing(link(aside, object(id)), 'EEXIST')
    // With the other name gone first, a power cut could leave none.
    if (level === 'host') await orMissing(flush(directory(id)))
    await orMissing(unlink(aside))
  }

  /** Resolves when the disk has the name of a blob, and the directories that lead to it: whoever made them may not have waited for that. */
  async function flushName(id: string): Promise<void> {
    await flush(directory(id))
    if (onDisk.has(directory(id))) return
    await flush(objects)
    for (let above = path; ; above = dirname(above)) {
      await flush(above)
      if (above === top || above === dirname(above)) break
    }
    onDisk.add(directory(id))
  }

  return {
    level,
    begin: () =>
      at(async () => {
        const made = await mkdir(incoming, { recursive: true })
        if (made !== undefined && made.length < path.length) top = dirname(made)
        const file = join(incoming, randomUUID())
        const handle = await open(file, 'wx')
        let closed = false
        const close = async (): Promise<void> => {
          if (!closed) {
            closed = true
            await handle.close()
          }
        }
        return {
          write: (chunk) => at(() => writeAll(handle, chunk)),
          finish: (id) =>
            at(async () => {
              if (level === 'host') await handle.sync()
              await close()
              await mkdir(directory(id), { recursive: true })
              await rename(file, object(id))
              if (level === 'host') await flushName(id)
            }),
          async abort() {
            await close().catch(() => undefined)
            await unlink(file).catch(() => undefined)
          },
        }
      }),
    open: (id) =>
      at(async () => {
        const handle = await find(id, (file) => open(file, constants.O_RDONLY))
        return handle && chunksOf(handle, path)
      }),
    size: (id) => at(() => find(id, async (file) => (await stat(file)).size)),
    async *list() {
      for (const name of await at(() => namesIn(objects))) {
        for (const id of await at(() => namesIn(join(objects, name)))) {
          const found = isBlobId(id) ? await at(() => orMissing(stat(object(id)))) : undefined
          if (found !== undefined) yield { id, size: found.size } satisfies BlobInfo
        }
      }
    },
    keep: (id) =>
      at(async () => {
        // A collection may set it aside between two looks; it sees the tag then, and puts it back.
        for (let look = 0; look < LOOKS; look++) {
          for (const aside of await asides(id)) await back(id, aside)
          // Whoever put it may have promised less than this, or nothing yet.
          const kept = await orMissing((level === 'host' ? flush(object(id)) : stat(object(id))).then(() => true))
          if (kept === undefined) continue
          if (level === 'host') await flushName(id)
          return true
        }
        return false
      }),
    setAside: (id, graceMs) =>
      at(async () => {
        await mkdir(trash, { recursive: true })
        if (!(await isOld(object(id), graceMs))) return undefined
        const aside = join(trash, `${id}.${randomUUID()}`)
        if ((await orMissing(rename(object(id), aside).then(() => true))) === undefined) return undefined
        // It may have been put again between the look and the rename.
        if (await isOld(aside, graceMs)) return aside
        await back(id, aside)
        return undefined
      }),
    restore: (id, aside) => at(() => back(id, String(aside))),
    discard: (_, aside) =>
      at(async () => {
        await orMissing(unlink(String(aside)))
      }),
    clean: (graceMs) =>
      at(async () => {
        for (const name of await namesIn(incoming)) {
          const file = join(incoming, name)
          if (await isOld(file, Math.max(graceMs, DEAD_PUT_MS))) await orMissing(unlink(file))
        }
        // A collection that was killed: back with it, and this one decides anew.
        for (const name of await namesIn(trash)) {
          const id = name.slice(0, ID_LENGTH)
          if (isBlobId(id) && (await isOld(join(trash, name), graceMs))) await back(id, join(trash, name))
        }
      }),
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten
}

/** Not a generator: one that is ended before its first step never comes to close the file. */
function chunksOf(handle: FileHandle, path: string): AsyncIterableIterator<Uint8Array> {
  const over: IteratorReturnResult<undefined> = { done: true, value: undefined }
  let closed = false
  async function close(): Promise<IteratorReturnResult<undefined>> {
    if (!closed) {
      closed = true
      await handle.close()
    }
    return over
  }
  return {
    async next() {
      if (closed) return over
      // A new one each time: the reader may keep it.
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      try {
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES)
        return bytesRead === 0 ? await close() : { done: false, value: new Uint8Array(buffer.buffer, 0, bytesRead) }
      } catch (error) {
        await close()
        throw diskError(error, path)
      }
    },
    return: close,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
