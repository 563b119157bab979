import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fence, run } from './kit.ts'

const test = suite('stigmergy grid, over damaged rows')

/** Spoils the rows under these keys: a version of eight bytes, if there is one, stands before a row. */
async function spoil(path: string, keys: readonly string[], versionBytes = 8): Promise<void> {
  const file = join(path, 'data.mdb')
  const bytes = await readFile(file)
  const handle = await open(file, 'r+')
  for (const key of keys) {
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
      const where = at + Buffer.byteLength(key) + versionBytes + 5
      await handle.write(Buffer.from([(bytes[where] ?? 0) ^ 0xff]), 0, 1, where)
    }
  }
  await handle.close()
}

async function damagedPlace(use: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-damaged-'))
  const durable = await openDurable({ path })
  const grid = await openGrid(durable.backend)
  const authority = durable.authority()
  try {
    for (let at = 0; at < 4; at++) {
      await grid.map<string>('parts').put(`key-${at}`, 'value')
      await authority.acquire(`lease-${at}`, 'me', 1000)
      await durable.store.commit(`record-${at}`, 0, fence, Buffer.from(`value of record ${at}`))
    }
    const { id } = await durable.blobs.put(Buffer.from('weights'))
    for (let at = 0; at < 4; at++) await durable.blobs.tag(`tag-${at}`, '1.0.0', id)
    const journal = durable.journal('dec')
    for (let seq = 1; seq <= 5; seq++) for (const producer of ['arm', 'eye']) await journal.append(producer, seq, Buffer.from(`say ${seq}`))
    for (const name of ['bill', 'shop']) {
      const reader = await journal.reader(name)
      await reader.next()
      await reader.save()
    }
    await journal.close()
    await authority.close()
    await grid.close()
    await durable.close()
    await spoil(path, [
      '=parts=key-0',
      '=parts=key-2',
      'lease-1',
      'lease-2',
      'tag-0\u00001.0.0',
      'tag-3\u00001.0.0',
      'pdec\0arm',
      'rdec\0bill',
    ])
    await spoil(path, [`dec\0${'\0'.repeat(7)}\u0003`, `dec\0${'\0'.repeat(7)}\u0006`], 0)
    await use(path)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

test('verify goes on at the next after each damaged row, and counts the rest', () =>
  damagedPlace(async (path) => {
    const { code, out } = await run(['grid', 'verify', path, '--json'])
    assert.is(code, 1)
    const found = JSON.parse(out[0] ?? '') as { damaged: { what: string }[] } & Record<string, number>
    const whats = found.damaged.map(({ what }) => what)
    assert.equal(whats.toSorted(), [
      'journal dec from 3 to 3',
      'journal dec from 6 to 6',
      'key-0 of map parts',
      'key-2 of map parts',
      'lease lease-1',
      'lease lease-2',
      'producer arm of journal dec',
      'reader bill of journal dec',
      'tag tag-0@1.0.0',
      'tag tag-3@1.0.0',
    ])
    assert.equal([found['records'], found['entries'], found['journalRecords'], found['tags']], [4, 2, 8, 2])
  }))

test('inspect shows the rest and names what is damaged; get and tail of it end with 1', () =>
  damagedPlace(async (path) => {
    await spoil(path, ['record-2\0\0\0\0\0\0\0\0\u0001'], 0)
    await spoil(path, ['record-2'])
    const { code, out } = await run(['grid', 'inspect', path])
    const text = out.join('\n')
    assert.is(code, 1, text)
    assert.match(text, /^store: 3 records$/m)
    assert.match(text, /^ {2}record-3 +1 /m)
    assert.match(text, /^ {2}parts +4$/m)
    assert.match(text, /^ {4}shop +10 +0$/m)
    for (const what of ['record record-2', 'key-0 of map parts', 'lease lease-1', 'tag tag-0@1.0.0', 'producer arm of journal dec'])
      assert.match(text, `DAMAGED ${what}: `)
    for (const args of [
      ['get', path, 'record-2'],
      ['get', path, 'key-0', '--map', 'parts'],
      ['get', path, '3', '--journal', 'dec'],
      ['tail', path, 'dec'],
    ]) {
      const told = await run(['grid', ...args])
      assert.equal([told.code, told.err.length], [1, 1], args.join(' '))
    }
    assert.is((await run(['grid', 'get', path, '4', '--journal', 'dec'])).code, 0)
  }))

test('names from anywhere are shown whole, and steer no terminal', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-names-'))
  const durable = await openDurable({ path })
  const grid = await openGrid(durable.backend)
  try {
    await grid.map<number>('__proto__').put('k', 1)
    await durable.store.commit('a\u001b[2J\nDAMAGED b\u009b', 0, fence, Buffer.from('x'))
    await grid.close()
    await durable.close()
    const { out } = await run(['grid', 'inspect', path])
    assert.match(out.join('\n'), /^maps: 1\n {2}name +entries\n {2}__proto__ +1$/m)
    assert.match(out.join('\n'), '  a\\u001b[2J\\nDAMAGED b\\u009b  ')
    const { out: json } = await run(['grid', 'inspect', path, '--json'])
    assert.match(json[0] ?? '', '"maps":{"__proto__":1}')
  } finally {
    await rm(path, { recursive: true, force: true })
  }
})

test('a page that would end the process is named by verify, which does not read on', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-damaged-'))
  const durable = await openDurable({ path })
  for (let at = 0; at < 400; at++) await durable.store.commit(`record-${at}`, 0, fence, Buffer.from(`value of record ${at}`))
  await durable.close()
  assert.is((await run(['grid', 'verify', path])).out.at(-1), 'all is well')
  const file = join(path, 'data.mdb')
  const bytes = await readFile(file)
  const page = Math.floor(bytes.indexOf('record-350') / 4096)
  // Where the third node of the page lies: now in the middle of another.
  const pointer = page * 4096 + 24 + 4
  const handle = await open(file, 'r+')
  await handle.write(Buffer.from([(bytes[pointer] ?? 0) ^ 2]), 0, 1, pointer)
  await handle.close()
  const { code, out } = await run(['grid', 'verify', path])
  assert.equal([code, out.at(-1)], [1, '1 damaged'])
  assert.ok(out.includes(`DAMAGED page ${page} of ${file}: its node 2 does not lie in it`), out.join('\n'))
  await rm(path, { recursive: true })
})

test.run()
