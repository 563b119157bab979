import { embedded, isGridError, openGrid } from '@stigmergy/grid'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { inPlace } from './places.ts'

const test = suite('faults of a grid in a directory, level process')
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const NO_LMDB = fileURLToPath(new URL('no-lmdb.mjs', import.meta.url))
const CHILD = fileURLToPath(new URL('peer-child.ts', import.meta.url))
const run = promisify(execFile)

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

test('where lmdb is missing the grid works, and a directory is refused with what to install', () =>
  inPlace(async (path) => {
    const flags = ['--conditions=@stigmergy/source', '--import', 'tsx', '--import', NO_LMDB]
    const { stdout } = await run(process.execPath, [...flags, CHILD, path], { cwd: ROOT, timeout: 30_000 })
    const [first, ...errors] = stdout.trim().split('\n')
    assert.is(first, '1')
    assert.is(errors.length, 2)
    for (const error of errors) assert.match(error, /^STORE_PEER: a directory needs the package lmdb 3\.5\.6 \(npm install lmdb@3\.5\.6\)/)
  }))

test('options that cannot be', () => {
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ path: '' }, /path is ""/],
    [{}, /path is undefined: give the path of a directory, or no options at all/],
    [{ path: '/tmp/x', level: 'none' }, /level is "none"/],
    [{ path: '/tmp/x', pollMs: 0 }, /pollMs is 0/],
    [{ path: '/tmp/x', maxLogEntries: 0.5 }, /maxLogEntries is 0.5/],
    [{ path: '/tmp/x', pol: 1 }, /no option "pol"/],
  ]
  for (const [options, text] of bad) {
    try {
      embedded(options as never)
      assert.unreachable(JSON.stringify(options))
    } catch (error) {
      assert.ok(isStoreError(error, 'BAD_OPTION'), String(error))
      assert.match(error.message, text)
    }
  }
})

test('a place that is no directory, and one of a newer schema, are refused; the next opening may succeed', () =>
  inPlace(async (path) => {
    await writeFile(join(path, 'file'), 'x')
    await refused(openGrid(embedded({ path: join(path, 'file') })), 'STORE_ACCESS', /cannot be written/)
    const at = join(path, 'newer')
    const environment = await openEnvironment(resolveDurableOptions({ path: at }))
    const meta = environment.table('meta', true)
    const backend = embedded({ path: at })
    await meta.put(Buffer.from('schema_version'), environment.rows.pack([4]), 2)
    await refused(openGrid(backend), 'STORE_NEWER', /has schema version 4/)
    await meta.put(Buffer.from('schema_version'), environment.rows.pack([3]), 3)
    await environment.close()
    await (await openGrid(backend)).close()
  }))

test('a flipped byte is one key that cannot be read, and the others can', () =>
  inPlace(async (path) => {
    const first = await openGrid(embedded({ path }))
    const map = first.map<string>('m')
    for (let at = 0; at < 20; at++) await map.put(`k${at}`, `sentinel-${at};`.repeat(20))
    await first.close()
    const file = join(path, 'data.mdb')
    const bytes = await readFile(file)
    const handle = await open(file, 'r+')
    // All copies of it: pages that were written before may hold it too.
    for (let at = bytes.indexOf('sentinel-7;'); at !== -1; at = bytes.indexOf('sentinel-7;', at + 11)) await handle.write('X', at)
    await handle.close()
    const grid = await openGrid(embedded({ path }))
    const again = grid.map<string>('m')
    assert.is(again.size, 19)
    const [copied, asked] = await Promise.allSettled([again.get('k7'), again.get('k7', { consistency: 'strong' })])
    assert.ok(copied.status === 'rejected' && isGridError(copied.reason, 'BAD_ENVELOPE'))
    assert.ok(asked.status === 'rejected' && isStoreError(asked.reason, 'STORE_BROKEN'))
    const [written] = await Promise.allSettled([again.put('k7', 'x')])
    assert.ok(written?.status === 'rejected' && isGridError(written.reason, 'BAD_ENVELOPE'), 'what cannot be read is not overwritten')
    assert.is(again.peek('k8')?.value.slice(0, 11), 'sentinel-8;')
    await grid.close()
  }))

test('a key may be any text, of any length, and a closed process leaves no socket', () =>
  inPlace(async (path) => {
    const keys = ['a', 'a\0b', 'ä'.repeat(3000), `${'ä'.repeat(3000)}b`, '\u{1f680}', '#x', '=x']
    const first = await openGrid(embedded({ path }))
    for (const [at, key] of keys.entries()) await first.map<number>('m').put(key, at)
    for (const [at, key] of keys.entries()) await first.map<number>(key).put('m', at)
    const [torn] = await Promise.allSettled([first.map<number>('m').put('\ud800', 1)])
    assert.ok(torn?.status === 'rejected' && isGridError(torn.reason, 'BAD_KEY'), 'half of a surrogate pair would be another key')
    await first.close()
    const second = await openGrid(embedded({ path }))
    const held = new Map(Array.from(second.map<number>('m').entries(), ({ key, value }) => [key, value]))
    assert.equal([held.size, ...keys.map((key) => held.get(key))], [keys.length, ...keys.keys()])
    for (const [at, key] of keys.entries()) assert.equal(Array.from(second.map<number>(key).entries(), ({ value }) => value), [at]) // prettier-ignore
    await second.close()
    assert.equal(await readdir(join(path, 'bells')), [])
  }))

test.run()
