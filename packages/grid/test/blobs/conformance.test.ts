import { createBlobs, createMemoryBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { blobCases } from '@stigmergy/grid/blobs/testing'
import { openDurable } from '@stigmergy/grid/durable'
import { suite } from 'uvu'
import { newPlace } from '../durable/places.ts'

const test = suite('conformance of blobs')

for (const { name, run } of blobCases) {
  test(`memory: ${name}`, async () => {
    const [bytes, tags] = [createMemoryBytes(), createMemoryTags()]
    await run({ open: async () => createBlobs(bytes, tags) })
  })

  for (const level of ['process', 'host'] as const) {
    test(`disk, ${level}: ${name}`, async () => {
      const place = await newPlace()
      const closing: (() => Promise<void>)[] = []
      try {
        await run({
          async open() {
            const durable = await openDurable({ path: place.path, level })
            closing.push(() => durable.close())
            return durable.blobs
          },
        })
      } finally {
        for (const close of closing) await close()
        await place.done()
      }
    })
  }
}

test.run()
