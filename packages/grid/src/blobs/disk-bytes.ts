import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError } from '../durable/disk-errors.ts'
import type { AckLevel } from '../store/store.ts'
import type { BlobInfo } from './blobs.ts'
import type { BlobBytes } from './ports.ts'
import { isBlobId } from './references.ts'

export interface DiskBytesOptions {
  /** A directory of its own, on a local disk; made when the first blob is put. */
  readonly path: string
  /** `host` flushes each blob and its directory before `put` resolves. @default 'process' */
  readonly level?: Exclude<AckLevel, 'none'>
}

const READ_BYTES = 256 * 1024
/** A put that has written nothing for so long is taken for one that was killed, whatever the grace of a collection. */
const DEAD_PUT_MS = 3_600_000

/**
 * Blobs as files: `objects/ab/abcd…`, written under `incoming` and renamed when whole. `trash` holds what a collection has set aside.
 * The time of a file is that of its last put; a put always renames a new file over an older one of the same bytes.
 */
export function createDiskBytes({ path, level = 'process' }: DiskBytesOptions): BlobBytes {
  const directory = (id: string): string => join(path, 'objects', id.slice(0, 2))
  const object = (id: string): string => join(directory(id), id)
  const aside = (id: string): string => join(path, 'trash', id)
  const incoming = join(path, 'incoming')

  const at = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw diskError(error, path)
    }
  }

  async function openFile(id: string): Promise<FileHandle | undefined> {
    // Set aside, it is still there for readers; it may move back between two looks.
    for (const file of [object(id), aside(id), object(id)]) {
      const handle = await orMissing(open(file, constants.O_RDONLY))
      if (handle !== undefined) return handle
    }
    return undefined
  }

  /** Back under its name, unless it was put again meanwhile. */
  async function back(id: string): Promise<void> {
    await orMissing(link(aside(id), object(id)), 'EEXIST')
    await orMissing(unlink(aside(id)))
  }

  return {
    level,
    begin: () =>
      at(async () => {
        await mkdir(incoming, { recursive: true })
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
              if (level === 'host') for (const each of [directory(id), join(path, 'objects'), path]) await flushDirectory(each)
            }),
          async abort() {
            await close().catch(() => undefined)
            await unlink(file).catch(() => undefined)
          },
        }
      }),
    open: (id) =>
      at(async () => {
        const handle = await openFile(id)
        return handle && chunksOf(handle, path)
      }),
    size: (id) =>
      at(async () => {
        for (const file of [object(id), aside(id), object(id)]) {
          const found = await orMissing(stat(file))
          if (found !== undefined) return found.size
        }
        return undefined
      }),
    async *list() {
      for (const name of await at(() => names(join(path, 'objects')))) {
        for (const id of await at(() => names(join(path, 'objects', name)))) {
          const found = isBlobId(id) ? await at(() => orMissing(stat(object(id)))) : undefined
          if (found !== undefined) yield { id, size: found.size } satisfies BlobInfo
        }
      }
    },
    keep: (id) =>
      at(async () => {
        await back(id)
        return (await orMissing(stat(object(id)))) !== undefined
      }),
    setAside: (id, graceMs) =>
      at(async () => {
        await mkdir(join(path, 'trash'), { recursive: true })
        if (!(await isOld(object(id), graceMs))) return false
        if ((await orMissing(rename(object(id), aside(id)).then(() => true))) === undefined) return false
        // It may have been put again between the look and the rename.
        if (await isOld(aside(id), graceMs)) return true
        await back(id)
        return false
      }),
    restore: (id) => at(() => back(id)),
    discard: (id) =>
      at(async () => {
        await orMissing(unlink(aside(id)))
      }),
    clean: (graceMs) =>
      at(async () => {
        for (const name of await names(incoming)) {
          const file = join(incoming, name)
          if (await isOld(file, Math.max(graceMs, DEAD_PUT_MS))) await orMissing(unlink(file))
        }
        // A collection that was killed: back with it, and this one decides anew.
        for (const id of await names(join(path, 'trash'))) if (await isOld(aside(id), graceMs)) await back(id)
      }),
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten
}

async function* chunksOf(handle: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      // A new one each time: the reader may keep it.
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES)
      if (bytesRead === 0) return
      yield new Uint8Array(buffer.buffer, 0, bytesRead)
    }
  } catch (error) {
    throw diskError(error, path)
  } finally {
    await handle.close()
  }
}

async function isOld(file: string, graceMs: number): Promise<boolean> {
  const found = await orMissing(stat(file))
  // Both times are of this machine's wall clock: a file system has no other. A grace of an hour forgives its steps.
  return found !== undefined && Date.now() - found.mtimeMs >= graceMs
}

async function names(directory: string): Promise<readonly string[]> {
  return (await orMissing(readdir(directory))) ?? []
}

async function orMissing<T>(promise: Promise<T>, also?: string): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === also) return undefined
    throw error
  }
}

async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
