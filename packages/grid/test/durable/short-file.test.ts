import { openDurable, openDurableReader } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { open, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment, quietly } from '../../src/durable/environment.ts'
import { chosenOf, readHead, snapshotOf, type Snapshot } from '../../src/durable/lmdb-file.ts'
import type { Tree } from '../../src/durable/lmdb-tree.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { inPlace } from './places.ts'

const test = suite('files shorter than their header says')

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const CHILD = fileURLToPath(new URL('short-child.ts', import.meta.url))
const PAGE = 4096
// As in lmdb-file.ts.
const [FLAGS_AT, MAIN_ROOT_AT, TXN_AT, BOOT_AT, HEAD_BYTES] = [52, 136, 152, 160, 168] as const
const ours = { owner: 'a', token: 1 }

const NO_TREE: Tree = { pad: PAGE, flags: 8, depth: 0, branches: 0, leaves: 0, large: 0, entries: 0, root: undefined }

/** Pages that the newest snapshot has taken, and pages of the file. */
async function pagesOf(path: string): Promise<readonly [taken: number, there: number]> {
  const handle = await open(join(path, 'data.mdb'))
  const heads = await Promise.all([0, PAGE].map((at) => readHead(handle, at)))
  await handle.close()
  const taken = Math.max(...heads.map((head) => (head === undefined ? 0 : snapshotOf(head).lastPage) + 1))
  return [taken, (await stat(join(path, 'data.mdb'))).size / PAGE]
}

/** Some records in leaves, some in pages of their own. */
async function fill(path: string): Promise<void> {
  const { store, close } = await openDurable({ path })
  for (let at = 0; at < 60; at++) await store.commit(`agent-${at}`, 0, ours, Buffer.alloc(at % 3 === 0 ? 9000 : 300, at))
  await close()
}

test('pages that a transaction took and gave back are never written: any number may be missing, and the file is whole', () =>
  inPlace(async (path) => {
    await fill(path)
    const environment = await openEnvironment(resolveDurableOptions({ path }))
    const table = environment.table('revisions', false)
    const key = Buffer.from('passing')
    await environment.together(() => {
      quietly(table.put(key, Buffer.alloc(200 * PAGE)))
      quietly(table.remove(key))
    })
    await environment.close()
    const [taken, there] = await pagesOf(path)
    assert.ok(taken - there > 100, `${taken} pages are taken, ${there} are there`)
    const { store, close } = await openDurable({ path })
    for (let at = 0; at < 60; at++) assert.is((await store.get(`agent-${at}`))?.value[0], at)
    await store.commit('agent-0', 1, ours, Buffer.alloc(300 * PAGE, 5))
    assert.is((await store.get('agent-0'))?.value.at(-1), 5)
    await close()
  }))

test('cut by one page after the other: as long as all can be read it opens, then never again', () =>
  inPlace(async (path) => {
    await fill(path)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@stigmergy/source', '--import', 'tsx', CHILD, path, '24'],
      { cwd: ROOT, timeout: 60_000 },
    )
    const lines = stdout.trim().split('\n')
    assert.is(lines.length, 25, 'it ended by itself')
    const refused = lines.indexOf('STORE_BROKEN')
    assert.ok(refused > 0, stdout)
    const all = 20 * 9000 + 40 * 300
    for (const [at, line] of lines.entries()) assert.is(line, at < refused ? `whole ${all} 20000` : 'STORE_BROKEN', `${at} pages less`)
  }))

test('the last page in use is missed, and it is said which', () =>
  inPlace(async (path) => {
    const { store, close } = await openDurable({ path })
    // The pages of a large value are the last ones that are taken.
    await store.commit('large', 0, ours, Buffer.alloc(50 * PAGE, 1))
    await close()
    const file = join(path, 'data.mdb')
    const { size } = await stat(file)
    for (let less = 1; ; less++) {
      await truncate(file, size - less * PAGE)
      const [opened] = await Promise.allSettled([openDurable({ path })])
      if (opened.status === 'fulfilled') {
        await opened.value.close()
        assert.ok(less < 10, 'it opened though ten pages were missing')
        continue
      }
      assert.ok(isStoreError(opened.reason, 'STORE_BROKEN'), String(opened.reason))
      assert.match(
        opened.reason.message,
        new RegExp(`page ${size / PAGE - less}: it is in use, and the file ends before it, after ${size / PAGE - less} pages`),
      )
      return
    }
  }))

test('after a restart of the machine it goes on from the newest snapshot that was flushed', () => {
  const head = (txn: bigint, boot: bigint, flushed: boolean): Snapshot => ({
    pageSize: PAGE,
    free: NO_TREE,
    main: NO_TREE,
    lastPage: 9,
    txn,
    boot,
    flushed,
  })
  const [older, newer, safe] = [head(7n, 1n, false), head(8n, 1n, false), head(5n, 1n, true)]
  assert.is(chosenOf(chosenOf(older, newer, 1n), safe, 1n), newer)
  assert.is(chosenOf(chosenOf(older, newer, 2n), safe, 2n), safe)
  assert.is(chosenOf(chosenOf(older, head(8n, 1n, true), 2n), safe, 2n).txn, 8n)
  assert.is(chosenOf(older, head(0n, 0n, true), 2n), older, 'none was ever flushed')
  assert.is(chosenOf(chosenOf(older, newer, 0n), safe, 0n), newer, 'where starts are not told apart')
})

test('what a power cut has left unflushed is passed over, also by those who come later', () =>
  inPlace(async (path) => {
    await fill(path)
    const file = await open(join(path, 'data.mdb'), 'r+')
    const heads = [Buffer.alloc(HEAD_BYTES), Buffer.alloc(HEAD_BYTES)]
    for (const [at, head] of heads.entries()) await file.read(head, 0, HEAD_BYTES, at * PAGE)
    const [old, newest] = heads.toSorted((a, b) => Number(a.readBigInt64LE(TXN_AT) - b.readBigInt64LE(TXN_AT))) as [Buffer, Buffer]
    // Flushed: in the middle of the first page. Its pages are on the disk; those of the two after it are not.
    newest.writeBigInt64LE(1n, BOOT_AT)
    await file.write(newest, 24, HEAD_BYTES - 24, PAGE / 2 + 24)
    const txn = newest.readBigInt64LE(TXN_AT)
    for (const [at, head] of [old, newest].entries()) {
      head.writeBigInt64LE(1n, BOOT_AT)
      head.writeUInt16LE(head.readUInt16LE(FLAGS_AT) | 0x1000, FLAGS_AT)
      head.writeBigInt64LE(txn + 1n + BigInt(at), TXN_AT)
      head.writeBigInt64LE(3n, MAIN_ROOT_AT)
      await file.write(head, 0, HEAD_BYTES, Number((txn + 1n + BigInt(at)) % 2n) * PAGE)
    }
    await file.close()
    const [reader] = await Promise.allSettled([openDurableReader(path)])
    assert.ok(reader?.status === 'rejected' && isStoreError(reader.reason, 'STORE_ACCESS'))
    for (let turn = 1; turn <= 2; turn++) {
      const { store, close } = await openDurable({ path })
      let found = 0
      for await (const { id, value } of store.scan({ prefix: 'agent-' })) if (value[0] === Number(id.slice(6))) found += 1
      assert.is(found, 60, `turn ${turn}`)
      await store.commit('again', turn - 1, ours, Buffer.alloc(10))
      await close()
    }
    await (await openDurableReader(path)).close()
  }))

test.run()
