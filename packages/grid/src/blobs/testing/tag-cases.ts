import { deepEqual, equal } from 'node:assert/strict'
import type { Blobs } from '../blobs.ts'
import { bytes, ids, refused, type BlobCase } from './blob-bench.ts'

const put = async (blobs: Blobs, text: string): Promise<string> => (await blobs.put(bytes(text))).id

/** Tags, ranges, and the collection of what has none. */
export const tagCases: readonly BlobCase[] = [
  {
    name: 'a range finds the newest version in it',
    async run({ open }) {
      const blobs = await open()
      const versions = ['2.3.0', '2.10.0', '2.3.9', '3.0.0', '3.1.0-rc.1']
      for (const version of versions) await blobs.tag('policy', version, await put(blobs, version))
      await blobs.tag('policy-b', '9.0.0', await put(blobs, 'other'))
      const found = async (reference: string): Promise<string> => (await blobs.resolve(reference)).version
      deepEqual(
        await Promise.all(
          ['policy@^2.3', 'policy@~2.3', 'policy@2.3.0', 'policy', 'policy@*', 'policy@3.1.0-rc.1', 'policy@<3'].map(found),
        ),
        ['2.10.0', '2.3.9', '2.3.0', '3.0.0', '3.0.0', '3.1.0-rc.1', '2.10.0'],
      )
      deepEqual(await blobs.readAll('policy@~2.3'), bytes('2.3.9'))
      deepEqual(
        (await blobs.tags('policy')).map(({ version }) => version),
        ['2.3.0', '2.3.9', '2.10.0', '3.0.0', '3.1.0-rc.1'],
      )
      deepEqual((await blobs.tags()).map(({ name }) => name).at(-1), 'policy-b')
      await refused(blobs.resolve('policy@^4'), 'BLOB_MISSING', 'no tag "policy" in "^4"; there is 2.3.0, 2.3.9, 2.10.0, 3.0.0, 3.1.0-rc.1')
      await refused(blobs.resolve('police'), 'BLOB_MISSING', 'there is no version')
      await refused(blobs.resolve('policy@new'), 'BAD_OPTION', 'version is "new"')
      await refused(blobs.resolve('policy@'), 'BAD_OPTION', 'version is ""')
    },
  },
  {
    name: 'a tag is created once and moved by compare-and-set',
    async run({ open }) {
      const [one, two] = [await open(), await open()]
      const [a, b] = [await put(one, 'a'), await put(one, 'b')]
      await one.tag('policy', '1.0.0', a)
      await two.tag('policy', '1.0.0', a)
      await refused(two.tag('policy', '1.0.0', b), 'TAG_CONFLICT', `the tag policy@1.0.0 is at ${a}, and was expected not to be there`)
      await refused(two.tag('policy', '2.0.0', b, { from: a }), 'TAG_CONFLICT', `is not there, and was expected at ${a}`)
      await two.tag('policy', '1.0.0', b, { from: a })
      equal((await one.resolve('policy')).id, b)
      await refused(one.untag('policy', '1.0.0', a), 'TAG_CONFLICT', `is at ${b}, and was expected at ${a}`)
      await one.untag('policy', '1.0.0', b)
      await one.untag('policy', '1.0.0', b)
      await refused(two.resolve('policy'), 'BLOB_MISSING')
      await two.tag('policy', '1.0.0', a)
    },
  },
  {
    name: 'of many that move a tag at the same time exactly one does',
    async run({ open }) {
      const places = [await open(), await open(), await open()]
      const start = await put(places[0] as Blobs, 'start')
      await places[0]?.tag('policy', '1.0.0', start)
      let at = start
      for (let round = 0; round < 5; round++) {
        const wanted = await Promise.all(places.map((blobs, which) => put(blobs, `${round} ${which}`)))
        const moves = await Promise.allSettled(
          places.map((blobs, which) => blobs.tag('policy', '1.0.0', wanted[which] ?? '', { from: at })),
        )
        const won = moves.flatMap(({ status }, which) => (status === 'fulfilled' ? [wanted[which] ?? ''] : []))
        equal(won.length, 1)
        for (const move of moves) if (move.status === 'rejected') equal((move.reason as { code: string }).code, 'TAG_CONFLICT')
        at = won[0] ?? ''
        equal((await places[2]?.resolve('policy'))?.id, at)
      }
    },
  },
  {
    name: 'names, versions and ids that cannot be are refused',
    async run({ open }) {
      const blobs = await open()
      const id = await put(blobs, 'a')
      await refused(blobs.tag('a@b', '1.0.0', id), 'BAD_ID', 'one without @')
      await refused(blobs.tag('', '1.0.0', id), 'BAD_ID')
      await refused(blobs.tag(id, '1.0.0', id), 'BAD_ID', 'no id of a blob')
      for (const version of ['1', 'v1.0.0', '1.0.0+build', '^1', '']) await refused(blobs.tag('a', version, id), 'BAD_OPTION', 'version is')
      await refused(blobs.tag('a', '1.0.0', 'abc'), 'BAD_ID', 'id is "abc"')
      await refused(blobs.tag('a', '1.0.0', '0'.repeat(64)), 'BLOB_MISSING')
      await refused(blobs.tag('a', '1.0.0', id, { to: id } as never), 'BAD_OPTION', 'no option "to"')
      deepEqual(await blobs.tags(), [])
    },
  },
  {
    name: 'a collection takes what has no tag, and not before its time',
    async run({ open }) {
      const [blobs, other] = [await open(), await open()]
      const [kept, moved, never] = [await put(blobs, 'kept'), await put(blobs, 'moved'), await put(blobs, 'never tagged')]
      await blobs.tag('a', '1.0.0', kept)
      await blobs.tag('b', '1.0.0', moved)
      await blobs.untag('b', '1.0.0', moved)
      deepEqual(await other.collect(), { removed: 0, bytes: 0, kept: 3 })
      deepEqual(await other.collect({ graceMs: 0 }), { removed: 2, bytes: 17, kept: 1 })
      deepEqual(await ids(blobs), [kept])
      await refused(blobs.tag('c', '1.0.0', never), 'BLOB_MISSING')
      await refused(blobs.collect({ graceMs: -1 }), 'BAD_OPTION', 'graceMs is -1')
      equal(await put(other, 'never tagged'), never)
      await other.tag('c', '1.0.0', never)
      deepEqual(await other.collect({ graceMs: 0 }), { removed: 0, bytes: 0, kept: 2 })
    },
  },
  {
    name: 'no collection takes what is put and tagged meanwhile',
    async run({ open }) {
      const [writer, collector] = [await open(), await open()]
      let busy = true
      const collecting = (async () => {
        while (busy) await collector.collect({ graceMs: 0 })
      })()
      let tagged = 0
      try {
        for (let round = 0; round < 40; round++) {
          const version = `${round}.0.0`
          // Without a grace a blob may be taken before it has its tag; then the tag is refused, and never points to nothing.
          const id = await put(writer, `content ${round % 7}`)
          try {
            await writer.tag('a', version, id)
          } catch (error) {
            equal((error as { code: string }).code, 'BLOB_MISSING')
            continue
          }
          tagged += 1
          deepEqual(await writer.readAll(`a@${version}`), bytes(`content ${round % 7}`))
          if (round % 2 === 0) await writer.untag('a', version, id)
        }
      } finally {
        busy = false
        await collecting
      }
      equal(tagged > 0, true)
      for (const { id } of await writer.tags()) await writer.readAll(id)
    },
  },
]
