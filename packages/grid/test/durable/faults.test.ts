import { createVirtualClock } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError, STORE_ERRORS, type StoreErrorCode } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { chmod, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commitFailure } from '../../src/durable/commit-error.ts'
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { newPlace } from './places.ts'

const test = suite('faults of a durable store')

const ours = { owner: 'a', token: 1 }
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const CHILD = fileURLToPath(new URL('fault-child.ts', import.meta.url))
const run = promisify(execFile)

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

async function inPlace(use: (path: string) => Promise<void>): Promise<void> {
  const place = await newPlace()
  try {
    await use(place.path)
  } finally {
    await chmod(place.path, 0o755).catch(() => undefined)
    await place.done()
  }
}

async function filled(path: string): Promise<string> {
  const { store, close } = await openDurable({ path })
  for (let at = 0; at < 50; at++) await store.commit(`agent-${at}`, 0, ours, Buffer.from(`sentinel-${at}`.repeat(20)))
  await close()
  return join(path, 'data.mdb')
}

/** Runs the child in a shell with limits; it prints the code of the error it met, and what it could read after. */
async function inChild(path: string, before: string, uid = ''): Promise<string> {
  const command = `${before} exec "$0" --conditions=@stigmergy/source --import tsx "$@"`
  const { stdout } = await run('/bin/sh', ['-c', command, process.execPath, CHILD, path, uid], { cwd: ROOT, timeout: 30_000 })
  return stdout.trim()
}

test('a path that is a file, or below one', () =>
  inPlace(async (path) => {
    await writeFile(join(path, 'file'), 'x')
    for (const bad of ['file', 'file/below']) await refused(openDurable({ path: join(path, bad) }), 'STORE_ACCESS', /cannot be written/)
  }))

test('a read-only directory', () =>
  inPlace(async (path) => {
    await chmod(path, 0o555)
    // Nobody may write to all files but root: as root the child gives that up, once it has read its code.
    assert.is(await inChild(path, '', process.getuid?.() === 0 ? '65534' : ''), 'STORE_ACCESS')
  }))

test('a full disk: the write is refused, nothing hangs, and what was acknowledged is there', () =>
  inPlace(async (path) => {
    // A limit of 512 blocks of 512 or 1,024 bytes on every file stands for the full disk.
    const [code, acknowledged = '', readable] = (await inChild(path, 'unset NODE_V8_COVERAGE; ulimit -f 512;')).split(' ')
    assert.is(code, 'STORE_FULL')
    assert.ok(Number(acknowledged) > 10, acknowledged)
    assert.is(readable, acknowledged)
    const { store, close } = await openDurable({ path })
    assert.is((await store.get('x'))?.rev, Number(acknowledged))
    await store.commit('x', Number(acknowledged), ours, new Uint8Array(10))
    await close()
  }))

test('a truncated file, a file of other bytes, a file without its second header', () =>
  inPlace(async (path) => {
    const file = await filled(path)
    const whole = await readFile(file)
    await truncate(file, whole.length / 2)
    await refused(openDurable({ path }), 'STORE_BROKEN', /page \d+: it is in use, and the file ends before it/)
    await writeFile(file, 'no database at all')
    await refused(openDurable({ path }), 'STORE_BROKEN', /no lmdb header at byte 0/)
    await writeFile(file, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096)]))
    await refused(openDurable({ path }), 'STORE_BROKEN', /no lmdb header at byte 4096/)
    await writeFile(file, whole)
    const { store, close } = await openDurable({ path })
    assert.is((await store.get('agent-7'))?.rev, 1)
    await close()
  }))

test('a flipped byte of a value is found by whoever reads it, and by nobody else', () =>
  inPlace(async (path) => {
    const file = await filled(path)
    const bytes = await readFile(file)
    const handle = await open(file, 'r+')
    // Wherever the page was copied to: the newest one is among them.
    for (let at = bytes.indexOf('sentinel-33s'); at >= 0; at = bytes.indexOf('sentinel-33s', at + 400)) await handle.write('S', at)
    await handle.close()
    const { store, close } = await openDurable({ path })
    await refused(store.get('agent-33'), 'STORE_BROKEN', /agent-33 are damaged: their check sum is wrong/)
    assert.is((await store.get('agent-32'))?.rev, 1)
    await close()
  }))

test('a store of a newer schema, and a row of a newer format, are left untouched', () =>
  inPlace(async (path) => {
    const environment = await openEnvironment(resolveDurableOptions({ path }))
    const heads = environment.table('heads', true)
    const newer = environment.rows.pack([1])
    newer[0] = 4
    // Its check sum covers the format as well.
    newer.writeUInt32BE(crc32(newer.subarray(5), crc32(newer.subarray(0, 1))), 1)
    await heads.put(Buffer.from('x'), newer, 1)
    const meta = environment.table('meta', true)
    const { store, close } = await openDurable({ path })
    await refused(store.get('x'), 'STORE_NEWER', /x is stored in format 4; this release knows 3/)
    await refused(store.commit('x', 0, ours, new Uint8Array(1)), 'STORE_NEWER', /format 4/)
    await close()
    await meta.put(Buffer.from('schema_version'), environment.rows.pack([4]), 2)
    await refused(openDurable({ path }), 'STORE_NEWER', /has schema version 4; this release knows 3/)
    await environment.close()
  }))

test('options that cannot be', async () => {
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ path: '' }, /path is ""/],
    [{ path: '/tmp/x', level: 'disk' }, /level is "disk": give 'process' or 'host'/],
    [{ path: '/tmp/x', revisions: 0 }, /revisions is 0/],
    [{ path: '/tmp/x', timeoutMs: -1 }, /timeoutMs is -1/],
    [{ path: '/tmp/x', paths: 1 }, /no option "paths"/],
  ]
  for (const [options, text] of bad) await refused(openDurable(options as never), 'BAD_OPTION', text)
})

test('every code is thrown somewhere, and only codes of the table are', async () => {
  const root = new URL('../../src/', import.meta.url)
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const sources = await Promise.all(files.map((file) => readFile(new URL(file, root), 'utf8')))
  // Thrown by name, or named in a table of what a server's answers mean.
  const thrown = new Set(Array.from(sources.join('').matchAll(/(?:new StoreError\(|return \[|\? \[)\s*'([A-Z_]+)'/g), ([, code]) => code))
  assert.equal([...thrown].toSorted(), Object.keys(STORE_ERRORS).toSorted())
})

test('the table of codes is in the document, word for word', async () => {
  const text = await readFile(new URL('../../../../docs/durability.md', import.meta.url), 'utf8')
  const rows = Array.from(text.matchAll(/^\| `([A-Z_0-9]+)` \| (.*) \|$/gm), ([, code, meaning]) => [code, meaning])
  assert.equal(rows, Object.entries(STORE_ERRORS))
})

test('a transaction that lmdb gives up is told as not written; damage and a full disk as what they are', async () => {
  const clock = createVirtualClock()
  const told = async (message: string, code: number): Promise<string> => {
    const commitError = Promise.reject(Object.assign(new Error(message), { code }))
    const error = await commitFailure(Object.assign(new Error('Commit failed'), { commitError }), clock, '/nowhere')
    return `${error.code} ${error.message}`
  }
  const givenUp = /^STORE_FAILED lmdb gave up a transaction at \/nowhere, and nothing of it was written: try again/
  assert.match(await told('MDB_BAD_TXN: Transaction must abort, has a child, or is invalid: mdb_page_touch no parent', -30_782), givenUp)
  assert.match(await told('freelist entry 7 had bad/duplicate entries, error code 22', -30_782), givenUp)
  assert.match(await told('MDB_PROBLEM: Unexpected problem - txn should abort', -30_779), givenUp)
  assert.match(await told('MDB_CORRUPTED: Located page was wrong type', -30_796), /^STORE_BROKEN /)
  assert.match(await told('No space left on device', 28), /^STORE_FULL /)
})

test.run()
