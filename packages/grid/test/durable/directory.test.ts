import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDurableReader } from '../../src/durable/durable-reader.ts'
import { loadLmdb } from '../../src/durable/load-lmdb.ts'
import { inPlace } from './places.ts'

const test = suite('the directory of a durable store')
const ours = { owner: 'a', token: 1 }
const asRoot = process.getuid?.() === 0
const NOBODY = 65_534
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const CHILD = fileURLToPath(new URL('fault-child.ts', import.meta.url))

async function fill(path: string): Promise<void> {
  await using durable = await openDurable({ path })
  await durable.store.commit('x', 0, ours, Buffer.from('x'))
}

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

test('a lock file that is a directory', () =>
  inPlace(async (path) => {
    await fill(path)
    await rm(join(path, 'lock.mdb'))
    await mkdir(join(path, 'lock.mdb'))
    await refused(openDurable({ path }), 'STORE_ACCESS', /lock\.mdb is not a file/)
    await refused(openDurableReader(path), 'STORE_ACCESS', /lock\.mdb is not a file/)
  }))

test('a lock file that may only be appended to', () =>
  inPlace(async (path) => {
    await fill(path)
    const lock = join(path, 'lock.mdb')
    const mark = (how: string): Promise<boolean> =>
      promisify(execFile)('chattr', [how, lock]).then(
        () => true,
        () => false,
      )
    // Not every file system and not everybody can mark one.
    if (!(await mark('+a'))) return
    try {
      await refused(openDurable({ path }), 'STORE_ACCESS', /lock\.mdb may only be appended to.*chattr -a/)
      await refused(openDurableReader(path), 'STORE_ACCESS', /lock\.mdb may only be appended to/)
    } finally {
      await mark('-a')
    }
    await fill(path).catch((error: unknown) => assert.ok(isStoreError(error, 'STORE_CONFLICT')))
  }))

test('a lock file without permission: a writer is told, and does not die', () =>
  inPlace(async (path) => {
    await fill(path)
    await chmod(path, 0o777)
    await chmod(join(path, 'data.mdb'), 0o666)
    await chmod(join(path, 'lock.mdb'), 0)
    // Root may write whatever the rights: the child gives that up.
    const args = ['--conditions=@stigmergy/source', '--import', 'tsx', CHILD, path, asRoot ? String(NOBODY) : '']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 30_000 })
    assert.is(stdout.trim(), 'STORE_ACCESS')
  }))

test('a lock file that root makes by looking belongs to the owner of the data', () =>
  inPlace(async (path) => {
    if (!asRoot) return
    await fill(path)
    await chown(join(path, 'data.mdb'), NOBODY, NOBODY)
    await rm(join(path, 'lock.mdb'))
    await using reader = await openDurableReader(path)
    assert.is((await reader.store.get('x'))?.rev, 1)
    assert.is((await stat(join(path, 'lock.mdb'))).uid, NOBODY)
  }))

test('the database of another program is refused, and left as it is', () =>
  inPlace(async (path) => {
    const { open } = await loadLmdb()
    const root = open({ path, noSubdir: false, maxDbs: 4 })
    await root.put('hello', 1)
    await root.openDB({ name: 'users' }).put('x', 1)
    await root.close()
    const before = await readFile(join(path, 'data.mdb'))
    await refused(openDurable({ path }), 'STORE_ACCESS', /database of another program, with "hello" and 1 more/)
    await refused(openDurableReader(path), 'STORE_ACCESS', /database of another program/)
    assert.ok(before.equals(await readFile(join(path, 'data.mdb'))))
  }))

test('the database of another program that has a table of the same name', () =>
  inPlace(async (path) => {
    const { open } = await loadLmdb()
    const root = open({ path, noSubdir: false, maxDbs: 4 })
    await root.openDB({ name: 'meta' }).put('x', 1)
    await root.openDB({ name: 'users' }).put('x', 1)
    await root.close()
    await refused(openDurable({ path }), 'STORE_ACCESS', /database of another program, with "users"/)
  }))

test('an empty database is begun', () =>
  inPlace(async (path) => {
    const { open } = await loadLmdb()
    await open({ path, noSubdir: false, maxDbs: 4 }).close()
    await fill(path)
  }))

test('a path below others that are not there is made, and one that cannot be is refused', () =>
  inPlace(async (path) => {
    await fill(join(path, 'a', 'b', 'c'))
    await refused(openDurable({ path: `${path}/a\0b` }), 'BAD_OPTION', /path is /)
    if (existsSync('/proc/self')) await refused(openDurable({ path: '/proc/nope/below' }), 'STORE_ACCESS', /ENOENT/)
  }))

test.run()
