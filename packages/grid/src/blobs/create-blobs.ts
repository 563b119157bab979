import { createHash } from 'node:crypto'
import { StoreError } from '../store/errors.ts'
import { badOption, checkCount, checkNames } from '../store/rules.ts'
import type { BlobInfo, Blobs, BlobTag } from './blobs.ts'
import { collectBlobs } from './collect.ts'
import type { BlobBytes, TagTable } from './ports.ts'
import { byVersion, checkBlobId, checkTagName, checkVersion, isBlobId, isVersion, newest, parseReference } from './references.ts'
import { abortable, chunksOf } from './stream.ts'

const CHUNK_BYTES = 1024 * 1024
const MOST_IN_MEMORY = 64 * 1024 * 1024

/** The one implementation of blobs, over any place for bytes and any table of tags. */
export function createBlobs(bytes: BlobBytes, table: TagTable): Blobs {
  let closed = false

  function open(): void {
    if (closed) throw new StoreError('CLOSED', 'the blobs are closed')
  }

  async function idOf(reference: string): Promise<string> {
    return typeof reference === 'string' && isBlobId(reference) ? reference : (await blobs.resolve(reference)).id
  }

  async function listTags(name?: string): Promise<BlobTag[]> {
    const tags: BlobTag[] = []
    for await (const tag of table.list(name)) tags.push(tag)
    return tags
  }

  async function find(reference: string): Promise<BlobInfo> {
    const id = await idOf(reference)
    const size = await bytes.size(id)
    if (size === undefined) throw missing(id)
    return { id, size }
  }

  async function* read(reference: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    open()
    signal?.throwIfAborted()
    const id = await idOf(reference)
    const stream = await bytes.open(id, signal)
    if (stream === undefined) throw missing(id)
    const hash = createHash('sha256')
    let size = 0
    for await (const chunk of abortable(stream, signal)) {
      hash.update(chunk)
      size += chunk.length
      yield chunk
    }
    const found = hash.digest('hex')
    if (found !== id) throw new StoreError('BLOB_BROKEN', `blob ${id} is damaged: the SHA-256 of its ${size} bytes is ${found}`)
  }

  const blobs: Blobs = {
    level: bytes.level,
    async put(source, options = {}) {
      open()
      checkNames('put', options, ['signal'])
      const { signal } = options
      signal?.throwIfAborted()
      const hash = createHash('sha256')
      let size = 0
      const upload = await bytes.begin()
      try {
        for await (const chunk of chunksOf(source, signal, CHUNK_BYTES)) {
          hash.update(chunk)
          size += chunk.length
          await upload.write(chunk)
        }
        const id = hash.digest('hex')
        await upload.finish(id, size)
        return { id, size }
      } catch (error) {
        await upload.abort()
        throw error
      }
    },
    read(reference, options = {}) {
      checkNames('read', options, ['signal'])
      return read(reference, options.signal)
    },
    async readAll(reference, options = {}) {
      open()
      checkNames('readAll', options, ['signal', 'maxBytes'])
      const { signal, maxBytes = MOST_IN_MEMORY } = options
      checkCount('maxBytes', maxBytes, 0)
      const { id, size } = await find(reference)
      if (size > maxBytes) throw badOption('maxBytes', maxBytes, `at least ${size} to read blob ${id} at once, or stream it`)
      const all = Buffer.allocUnsafe(size)
      let at = 0
      for await (const chunk of read(id, signal)) {
        all.set(chunk, at)
        at += chunk.length
      }
      return new Uint8Array(all.buffer, all.byteOffset, at)
    },
    async stat(reference) {
      open()
      return find(reference)
    },
    async tag(name, version, id, options = {}) {
      open()
      checkNames('tag', options, ['from'])
      checkTagName(name)
      checkVersion(version)
      checkBlobId(id)
      const { from } = options
      if (from !== undefined) checkBlobId(from)
      const { mark, id: now } = await table.read(name, version)
      if (now !== from && now !== id) throw conflict(name, version, now, from)
      if ((await bytes.size(id)) === undefined) throw missing(id)
      if (now !== id && !(await table.swap(name, version, mark, id))) {
        const { id: other } = await table.read(name, version)
        if (other !== id) throw conflict(name, version, other, from)
      }
      if (await bytes.keep(id)) return
      // It was collected between the two looks: a tag to nothing must not stay.
      const written = await table.read(name, version)
      if (written.id === id) await table.swap(name, version, written.mark, now === id ? undefined : now)
      throw missing(id)
    },
    async untag(name, version, id) {
      open()
      checkTagName(name)
      checkVersion(version)
      checkBlobId(id)
      for (;;) {
        const { mark, id: now } = await table.read(name, version)
        if (now === undefined) return
        if (now !== id) throw conflict(name, version, now, id)
        if (await table.swap(name, version, mark, undefined)) return
      }
    },
    async resolve(reference) {
      open()
      const { name, range } = parseReference(reference)
      if (isVersion(range)) {
        // One look, however many versions there are.
        const { id } = await table.read(name, range)
        if (id !== undefined) return { name, version: range, id }
      }
      const tags = await listTags(name)
      const version = newest(
        tags.map((tag) => tag.version),
        range,
      )
      const found = tags.find((tag) => tag.version === version)
      if (found !== undefined) return found
      const known = tags.toSorted(byVersion).slice(-5)
      const versions = known.length === 0 ? 'no version' : known.map((tag) => tag.version).join(', ')
      throw new StoreError('BLOB_MISSING', `no tag ${JSON.stringify(name)} in ${JSON.stringify(range)}; there is ${versions}`)
    },
    async tags(name) {
      open()
      const tags = await listTags(name === undefined ? undefined : checkTagName(name))
      return tags.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : byVersion(a, b)))
    },
    list() {
      open()
      return bytes.list()
    },
    async collect(options = {}) {
      open()
      checkNames('collect', options, ['graceMs', 'signal'])
      const { graceMs = 3_600_000, signal } = options
      if (!Number.isFinite(graceMs) || graceMs < 0) throw badOption('graceMs', graceMs, 'a number of milliseconds from 0 on')
      return collectBlobs(bytes, table, graceMs, signal)
    },
    async close() {
      closed = true
    },
    [Symbol.asyncDispose]: () => blobs.close(),
  }
  return blobs
}

function missing(id: string): StoreError {
  return new StoreError('BLOB_MISSING', `there is no blob ${id}`)
}

function conflict(name: string, version: string, now: string | undefined, from: string | undefined): StoreError {
  const at = now === undefined ? 'is not there' : `is at ${now}`
  return new StoreError(
    'TAG_CONFLICT',
    `the tag ${name}@${version} ${at}, and was expected ${from === undefined ? 'not to be there' : `at ${from}`}`,
  )
}
