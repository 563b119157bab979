import { embedded, openGrid, type Grid } from '@stigmergy/grid'
import { isStoreError } from '@stigmergy/grid/store'
import { execFile, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { floorId, toRecordRow } from '../../src/durable/grid/rows.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { startChild } from './kill-rounds.ts'
import { inPlace } from './places.ts'

const test = suite('one grid in several processes, level process')
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const WATCHER = fileURLToPath(new URL('watch-child.ts', import.meta.url))
const HOLDER = fileURLToPath(new URL('hold-child.ts', import.meta.url))
const FULL = fileURLToPath(new URL('full-child.ts', import.meta.url))
const run = promisify(execFile)

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + 20_000; !condition(); await wait(2)) assert.ok(performance.now() < endMs, `waited for ${what}`)
}

/** Stopped inside a transaction or a flush, it keeps the lock of lmdb, and nobody can write: then it goes on for a moment. */
async function stopOutsideOf(child: ChildProcess, write: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    child.kill('SIGSTOP')
    const [written] = await Promise.allSettled([write()])
    if (written.status === 'fulfilled') return
    child.kill('SIGCONT')
    await wait(50)
  }
  assert.unreachable('it was always inside')
}

/** Two backends: what one writes reaches the other by the log only, as in two processes. */
async function two(path: string, options: object = {}): Promise<readonly [Grid, Grid]> {
  return [await openGrid(embedded({ path, ...options }), { id: 'a' }), await openGrid(embedded({ path, ...options }), { id: 'b' })]
}

test('a copy that another process has overtaken says how old it is, and is not shown where that is too old', () =>
  inPlace(async (path) => {
    // Told by the bell only: a look in between could come before the writer has its answer.
    const [a, b] = await two(path, { pollMs: 600_000 })
    const [ours, theirs] = [a.map<number>('m'), b.map<number>('m')]
    await ours.put('k', 1)
    await until(() => theirs.peek('k') !== undefined, 'the first value')
    await ours.put('k', 2)
    // No turn of the event loop since the commit: the other one cannot have heard of it.
    assert.is(theirs.peek('k')?.value, 1)
    assert.ok(theirs.ageMs() > 0, 'it looks, and sees that there is something new')
    assert.is((await theirs.get('k', { maxAgeMs: 0 }))?.value, 2)
    assert.is((await theirs.get('k', { consistency: 'strong' }))?.value, 2)
    await until(() => theirs.peek('k')?.value === 2, 'the second value')
    assert.is(theirs.ageMs(), 0, 'nothing new is there, as of now')
    await Promise.all([a.close(), b.close()])
  }))

test('where there is no bell, a look finds what is new', () =>
  inPlace(async (place) => {
    // A socket in it would have too long a path.
    const path = join(place, 'x'.repeat(120))
    await mkdir(path)
    const [a, b] = await two(path, { pollMs: 10 })
    const told: number[] = []
    b.map<number>('m').watch((change) => change.type === 'put' && told.push(change.entry.value))
    for (let n = 0; n < 30; n++) await a.map<number>('m').put('k', n)
    await until(() => told.length === 30, 'all values')
    assert.equal(
      told,
      Array.from({ length: 30 }, (_, n) => n),
    )
    await Promise.all([a.close(), b.close()])
  }))

test('a reader stopped for longer than the log is kept is told resync with the present state, and goes on; the log is bounded', () =>
  inPlace(async (path) => {
    const grid = await openGrid(embedded({ path, pollMs: 5, maxLogEntries: 50, timeoutMs: 1000 }))
    const parts = grid.map<number>('parts')
    const child = startChild(WATCHER, [path])
    const exited = once(child, 'exit')
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const look = await openEnvironment(resolveDurableOptions({ path }))
    const logged = (): number => {
      look.refresh()
      return look.table('grid-log', false).getCount()
    }
    try {
      await until(() => text.includes('open'), 'the watcher')
      await parts.put('k', 1)
      await until(() => text.includes('put 1\n'), 'the first value')
      await stopOutsideOf(child, () => parts.put('probe', 0))
      for (let n = 2; n <= 300; n++) await parts.put('k', n)
      await until(() => logged() <= 50, 'the log to be cut')
      child.kill('SIGCONT')
      await until(() => text.includes('resync'), 'the resync')
      await parts.put('k', 301)
      await until(() => text.includes('put 301\n'), 'what comes after it')
      const lines = text.trim().split('\n').slice(2)
      const at = lines.findIndex((line) => line.startsWith('resync'))
      assert.is(lines[at], 'resync gap 300')
      assert.equal(lines.slice(at + 1), ['put 301'])
      await until(() => logged() === 0, 'the log to be forgotten once all have read it')
    } finally {
      child.kill('SIGKILL')
      await exited
      await look.close()
      await grid.close()
    }
  }))

test('a full disk: the write is refused, the copy and the directory hold what was acknowledged', () =>
  inPlace(async (path) => {
    const command = 'unset NODE_V8_COVERAGE; ulimit -f 1024; exec "$0" --conditions=@stigmergy/source --import tsx "$@"'
    const { stdout } = await run('/bin/sh', ['-c', command, process.execPath, FULL, path], { cwd: ROOT, timeout: 40_000 })
    const [code, acknowledged, held] = stdout.trim().split(' ')
    assert.is(code, 'STORE_FULL')
    assert.ok(Number(acknowledged) > 10, acknowledged)
    // The first put of the two may have been acknowledged, and the second one refused.
    assert.ok(Number(held) === Number(acknowledged) || Number(held) === Number(acknowledged) + 1, `${held} and ${acknowledged}`)
    const grid = await openGrid(embedded({ path }))
    assert.is(grid.map<{ n: number }>('m').peek('k')?.value.n, Number(held))
    await grid.map<{ n: number }>('m').put('k', { n: 0 })
    await grid.close()
  }))

test('while another process is stopped inside a transaction, writes fail by their deadline, reads go on, and closing ends', () =>
  inPlace(async (path) => {
    const grid = await openGrid(embedded({ path, timeoutMs: 500 }))
    const map = grid.map<number>('m')
    await map.put('k', 1)
    const child = startChild(HOLDER, [path])
    const exited = once(child, 'exit')
    try {
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
      const [written] = await Promise.allSettled([map.put('k', 2)])
      assert.ok(written.status === 'rejected' && isStoreError(written.reason, 'STORE_TIMEOUT'))
      assert.equal([map.peek('k')?.value, (await map.get('k', { consistency: 'strong' }))?.value, map.ageMs()], [1, 1, 0])
      await grid.close()
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  }))

test('versions grow over removes, expiries and restarts, also when nothing of them is left', () =>
  inPlace(async (path) => {
    const first = await openGrid(embedded({ path, pollMs: 5 }))
    const map = first.map<number>('m')
    const { version } = await map.put('gone', 1)
    await map.remove('gone')
    const short = await map.put('short', 1, { ttlMs: 1 })
    const look = await openEnvironment(resolveDurableOptions({ path }))
    const records = look.table('grid', true)
    const floor = (): number => {
      const { fields } = look.read(records, Buffer.from(floorId('m')), 'the floor')
      return fields === undefined ? 0 : toRecordRow(fields).version
    }
    await until(() => floor() === short.version, 'both to be swept')
    assert.is(records.getCount(), 1, 'nothing but the greatest version')
    await look.close()
    await first.close()
    const second = await openGrid(embedded({ path }))
    const again = await second.map<number>('m').compareAndSet('gone', 0, 2)
    assert.ok(again.ok && again.entry.version > short.version && short.version > version)
    await second.close()
  }))

test.run()
