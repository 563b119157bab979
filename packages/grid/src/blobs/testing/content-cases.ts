import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { bytes, gather, ids, refused, type BlobCase } from './blob-bench.ts'

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** Bytes in and out, by what they are. */
export const contentCases: readonly BlobCase[] = [
  {
    name: 'an id is the SHA-256 of the bytes, and the same bytes are kept once',
    async run({ open }) {
      const [blobs, other] = [await open(), await open()]
      const id = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
      deepEqual(await blobs.put(bytes('abc')), { id, size: 3 })
      deepEqual(await other.put([bytes('a'), bytes(''), bytes('bc')]), { id, size: 3 })
      deepEqual([await other.stat(id), await ids(blobs)], [{ id, size: 3 }, [id]])
      deepEqual(await other.readAll(id), bytes('abc'))
      const empty = await blobs.put(new Uint8Array())
      deepEqual([empty.size, await blobs.readAll(empty.id)], [0, new Uint8Array()])
    },
  },
  {
    name: 'streams of Node, of the web and generators, in and out',
    async run({ open }) {
      const blobs = await open()
      const content = Buffer.alloc(3_000_000, 'stigmergy')
      const cut = [content.subarray(0, 70_000), content.subarray(70_000, 2_900_000), content.subarray(2_900_000)]
      async function* generator(): AsyncGenerator<Uint8Array> {
        yield* cut
      }
      for (const source of [content, Readable.from(cut), ReadableStream.from(cut), generator()]) {
        const { id, size } = await blobs.put(source as AsyncIterable<Uint8Array>)
        deepEqual([id, size], [sha256(content), content.length])
      }
      const id = sha256(content)
      ok(Buffer.from(await gather(blobs.read(id))).equals(content))
      ok(Buffer.from(await gather(Readable.from(blobs.read(id)))).equals(content))
      ok(Buffer.from(await gather(ReadableStream.from(blobs.read(id)))).equals(content))
      await refused(blobs.readAll(id, { maxBytes: 1000 }), 'BAD_OPTION', 'maxBytes is 1000: give at least 3000000')
    },
  },
  {
    name: 'what a source throws comes through, and nothing of it is left',
    async run({ open }) {
      const blobs = await open()
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield bytes('some')
        throw new Error('the camera is gone')
      }
      await rejects(blobs.put(failing()), /the camera is gone/)
      await refused(blobs.put(['text'] as never), 'BAD_OPTION', 'chunk is "text"')
      await refused(blobs.put(7 as never), 'BAD_OPTION', 'source is 7')
      deepEqual(await ids(blobs), [])
    },
  },
  {
    name: 'an abort ends a put and a read at once, also of a source that never answers',
    async run({ open }) {
      const blobs = await open()
      const abort = new AbortController()
      let ended = false
      async function* silent(): AsyncGenerator<Uint8Array> {
        try {
          yield bytes('some')
          await new Promise(() => undefined)
        } finally {
          ended = true
        }
      }
      const source = silent()
      const putting = blobs.put(source, { signal: abort.signal })
      setImmediate(() => abort.abort(new Error('enough')))
      await rejects(putting, /enough/)
      equal(ended, false)
      deepEqual(await ids(blobs), [])
      const { id } = await blobs.put(new Uint8Array(3_000_000))
      const second = new AbortController()
      await rejects(async () => {
        for await (const chunk of blobs.read(id, { signal: second.signal })) {
          ok(chunk.length > 0)
          second.abort(new Error('seen enough'))
        }
      }, /seen enough/)
      await rejects(blobs.put(bytes('x'), { signal: AbortSignal.abort(new Error('before')) }), /before/)
    },
  },
  {
    name: 'a reader may stop in the middle',
    async run({ open }) {
      const blobs = await open()
      const { id } = await blobs.put(new Uint8Array(3_000_000))
      for await (const chunk of blobs.read(id)) {
        ok(chunk.length > 0)
        break
      }
      equal((await blobs.readAll(id)).length, 3_000_000)
    },
  },
  {
    name: 'what is not there, and what cannot be an id, is told',
    async run({ open }) {
      const blobs = await open()
      const nothing = '0'.repeat(64)
      for (const call of [() => blobs.stat(nothing), () => blobs.readAll(nothing), () => gather(blobs.read(nothing))]) {
        await refused(call(), 'BLOB_MISSING', `there is no blob ${nothing}`)
      }
      await refused(blobs.stat(''), 'BAD_ID', 'name is ""')
      await refused(blobs.stat('0'.repeat(63)), 'BLOB_MISSING', 'there is no version')
      await refused(blobs.stat(7 as never), 'BAD_OPTION', 'reference is 7')
      await blobs.close()
      await refused(blobs.put(bytes('x')), 'CLOSED')
      await refused(gather(blobs.read(nothing)), 'CLOSED')
    },
  },
]
