import { embedded, openGrid } from '@stigmergy/grid'
import { openDurable, openDurableReader } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pageFaults } from '../../src/durable/lmdb-walk.ts'
import { createRandom } from '../random.ts'
import { checkDamage, fillAll } from './damage-rounds.ts'
import { quickPlace } from './places.ts'

const test = suite('damaged pages')
const ours = { owner: 'a', token: 1 }
const PAGE = 4096

async function inPlace(use: (path: string) => Promise<void>): Promise<void> {
  const place = await quickPlace()
  try {
    await use(place.path)
  } finally {
    await place.done()
  }
}

test('flipped bits are told by file and page, or harm nothing: no reader dies, hangs or takes a wrong value', () =>
  inPlace(async (path) => {
    const { told, right } = await checkDamage(path, 40, 7)
    assert.ok(told >= 20 && right >= 1, `${told} were told, ${right} harmed nothing`)
  }))

test('one damaged page: whoever opens the file is told which, and who asks for no look is not', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(3))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    // Copies that are out of use may stand before and behind the leaf in use, where nobody looks: it is the one whose damage is told.
    const pages = new Set<number>()
    for (let byte = bytes.indexOf('decision 7'); byte >= 0; byte = bytes.indexOf('decision 7', byte + 1)) pages.add(Math.floor(byte / PAGE))
    let at = -1
    for (const page of pages) {
      // Longer than its head says: of one that is shorter all is looked at.
      const damaged = Buffer.concat([bytes, Buffer.alloc(1024 * PAGE)])
      damaged.writeUInt16LE(damaged.readUInt16LE(page * PAGE + 20) + 2, page * PAGE + 20)
      await writeFile(file, damaged)
      if ((await pageFaults(file)).length === 0) continue
      at = page
      break
    }
    assert.ok(at >= 0, `none of ${[...pages].join(', ')} is in use`)
    const openers = [
      () => openDurable({ path }),
      () => openDurableReader(path),
      () => openDurable({ path, checkPages: 'always' }),
      () => openGrid(embedded({ path })),
    ]
    for (const opener of openers) {
      const [opened] = await Promise.allSettled([opener()])
      assert.ok(opened?.status === 'rejected' && isStoreError(opened.reason, 'STORE_BROKEN'), opener.toString())
      assert.match(opened.reason.message, `${file} is damaged: page ${at}: its node`)
    }
    for (const checkPages of ['never', { maxBytes: 0 }, { maxBytes: PAGE }] as const)
      await (await openDurableReader(path, { checkPages })).close()
    await writeFile(file, bytes)
    await (await openDurableReader(path)).close()
  }))

test('a flipped key that leaves the keys in order: what would be found under another one, and not under its own, is told', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(7))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    // Each is the last one of its kind, or the only one.
    const keys = [
      'm6:=parts=part-9',
      'agent-99',
      'cell',
      'policy\u00001.0.0',
      'hdecisions\0',
      'pdecisions\0planner',
      'schema_version',
      'store',
    ]
    for (const key of keys) {
      const told: string[] = []
      for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
        const damaged = Buffer.from(bytes)
        const last = at + Buffer.byteLength(key) - 1
        damaged[last] = (damaged[last] as number) ^ 0x80
        await writeFile(file, damaged)
        const [opened] = await Promise.allSettled([openDurableReader(path)])
        if (opened?.status === 'fulfilled') await opened.value.close()
        else if (isStoreError(opened?.reason, 'STORE_BROKEN')) told.push(opened.reason.message)
        else assert.unreachable(`${key}: ${String(opened?.reason)}`)
      }
      assert.ok(
        told.some((message) => message.includes('stands under a key that is not its own')),
        `${key}: ${told.join()}`,
      )
    }
  }))

test('the row of a table: its name with the zero at its end, and that it is one', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(8))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    for (const name of ['heads', 'leases', 'meta', 'revisions', 'tags']) {
      const told: string[] = []
      // In its header the size of a tree stands 8 bytes before the name, and the kind 4 bytes.
      for (let at = bytes.indexOf(`${name}\0`); at >= 0; at = bytes.indexOf(`${name}\0`, at + 1)) {
        if (bytes.readUInt32LE(at - 8) !== 48 || bytes.readUInt16LE(at - 4) !== 2) continue
        for (const [byte, bit] of [
          [at + name.length, 6],
          [at + name.length, 0],
          [at - 4, 1],
        ] as const) {
          const damaged = Buffer.from(bytes)
          damaged[byte] = (damaged[byte] as number) ^ (1 << bit)
          await writeFile(file, damaged)
          for (const { why } of await pageFaults(file)) told.push(why)
        }
      }
      for (const why of ['@', '\u0001'].map((end) => `it has a table ${JSON.stringify(name + end)}, and none ${name}`))
        assert.ok(told.includes(why), `${why}: ${told.join()}`)
      assert.ok(told.includes(`it tells that "${name}" is no table`), `${name}: ${told.join()}`)
    }
  }))

test('a row that tells that it is a table: lmdb would read it, and refuse to write it', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(9))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    // The names of the two kinds of rows that have epochs, and a row of the store; the kind stands 4 bytes before the key.
    for (const key of ['store', 'grid', 'agent-99']) {
      const told: string[] = []
      for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
        if (bytes.readUInt16LE(at - 2) !== key.length || bytes.readUInt16LE(at - 4) !== 0) continue
        const damaged = Buffer.from(bytes)
        damaged[at - 4] = 2
        await writeFile(file, damaged)
        for (const { why } of await pageFaults(file)) told.push(why)
      }
      assert.ok(told.includes('one of its rows tells that it is a table'), `${key}: ${told.join()}`)
    }
  }))

test('a list of free pages that tells of more in a row than there are, be it where nothing stands', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(10))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    const newest = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(PAGE + 152) ? 0 : PAGE
    const page = Number(bytes.readBigUInt64LE(newest + 88)) * PAGE
    assert.is(bytes.readUInt16LE(page + 18), 2, 'the tree of free pages has one leaf')
    let flipped = 0
    for (let at = 0; at < bytes.readUInt16LE(page + 20); at += 2) {
      const data = page + 24 + bytes.readUInt16LE(page + 24 + at) + 16
      for (let number = 1; number <= Number(bytes.readBigUInt64LE(data)); number++, flipped++) {
        const damaged = Buffer.from(bytes)
        damaged[data + 8 * number + 7] = (damaged[data + 8 * number + 7] as number) ^ 0x80
        await writeFile(file, damaged)
        assert.match((await pageFaults(file))[0]?.why ?? '', /^it tells that page -?\d+ is free, and \d+ after it$/, `number ${number}`)
      }
    }
    assert.ok(flipped > 0)
  }))

test('a large value that lies beyond all numbers that can be told apart', () =>
  inPlace(async (path) => {
    const durable = await openDurable({ path })
    await durable.store.commit('large', 0, ours, Buffer.alloc(20_000))
    await durable.close()
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    let told = 0
    const key = Buffer.from('large\0\0\0\0\0\0\0\0\u0001')
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
      if (bytes.readUInt16LE(at - 4) !== 1) continue
      const damaged = Buffer.from(bytes)
      // The last bit of the number of its first page: what is added to 2 ** 63 makes no difference.
      const byte = at + key.length + 7
      damaged[byte] = (damaged[byte] as number) ^ 0x80
      await writeFile(file, damaged)
      const faults = await pageFaults(file)
      if (faults.length > 0) told += 1
      for (const { why } of faults) assert.match(why, /^it leads to page 9223372036854776000, and the last one taken is \d+$/)
    }
    assert.ok(told >= 1)
  }))

test('a row that is damaged itself, with the sum of its key, is told by whoever reads it: the others can be read', () =>
  inPlace(async (path) => {
    const durable = await openDurable({ path })
    // The second one lies in pages of its own.
    for (const [id, size] of [
      ['small', 10],
      ['large', 20_000],
    ] as const)
      await durable.store.commit(id, 0, ours, Buffer.alloc(size, id))
    await durable.close()
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    for (const [id, other] of [
      ['small', 'large'],
      ['large', 'small'],
    ] as const) {
      const damaged = Buffer.from(bytes)
      // Before the array: format, check sum, sum of the key. Of all copies.
      const body = Buffer.concat([Buffer.from([0x94, 1, 1, 0xa1]), Buffer.from('a')])
      for (let at = bytes.indexOf(body); at >= 0; at = bytes.indexOf(body, at + 1))
        if (bytes.indexOf(id, at) - at < 16 && bytes.indexOf(id, at) > 0) damaged[at - 1] = (damaged[at - 1] as number) ^ 1
      assert.not.equal(damaged, bytes)
      await writeFile(file, damaged)
      await using reader = await openDurableReader(path)
      assert.is((await reader.store.get(other))?.rev, 1)
      const [read] = await Promise.allSettled([reader.store.get(id)])
      assert.ok(read?.status === 'rejected' && isStoreError(read.reason, 'STORE_BROKEN'))
    }
  }))

test('a writer beside the look, however quick: nothing is taken for damage', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(4))
    const file = join(path, 'data.mdb')
    const durable = await openDurable({ path })
    let looking = true
    let commits = 0
    const writing = (async () => {
      for (let rev = 0; looking; rev++, commits++) {
        const size = commits % 7 === 0 ? 9000 : 300
        await Promise.all(Array.from({ length: 8 }, (_, at) => durable.store.commit(`busy-${at}`, rev, ours, Buffer.alloc(size, commits))))
      }
    })()
    for (let look = 0; look < 12; look++) {
      assert.equal(await pageFaults(file), [], `look ${look}`)
      await (await openDurableReader(path)).close()
    }
    looking = false
    await writing
    assert.ok(commits > 10, `${commits} commits`)
    await durable.close()
  }))

test('options of the look that cannot be', () =>
  inPlace(async (path) => {
    for (const checkPages of ['sometimes', 1, null, { maxBytes: -1 }, { bytes: 1 }, {}]) {
      for (const opener of [() => openDurable({ path, checkPages } as never), () => openDurableReader(path, { checkPages } as never)]) {
        const [opened] = await Promise.allSettled([opener()])
        assert.ok(opened?.status === 'rejected' && isStoreError(opened.reason, 'BAD_OPTION'), JSON.stringify(checkPages))
      }
      assert.throws(() => embedded({ path, checkPages } as never), /checkPages|maxBytes/)
    }
  }))

test('the head of the file: what it tells is compared with the other head, and with what it leads to', () =>
  inPlace(async (path) => {
    await fillAll(path, createRandom(5))
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    const fields = { version: 28, size: 48, kind: 52, levels: 54, root: 136, 'last page': 144, transaction: 152 }
    for (const [name, at] of Object.entries(fields)) {
      for (const head of [0, 1]) {
        const handle = await open(file, 'r+')
        await handle.write(Buffer.from([(bytes[head * PAGE + at] ?? 0) ^ 4]), 0, 1, head * PAGE + at)
        const [opened] = await Promise.allSettled([openDurableReader(path)])
        if (opened?.status === 'fulfilled') {
          // The older one counts for nothing but beside the newer one.
          assert.ok(['levels', 'root', 'last page'].includes(name), `${name} of head ${head}`)
          await opened.value.close()
        } else assert.ok(opened !== undefined && isStoreError(opened.reason, 'STORE_BROKEN'), `${name}: ${String(opened?.reason)}`)
        await handle.write(bytes, head * PAGE, PAGE, head * PAGE)
        await handle.close()
      }
    }
  }))

test.run()
