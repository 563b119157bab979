import {
  createVirtualClock,
  embedded,
  isGridError,
  openGrid,
  systemClock,
  type Consistency,
  type DriverFeed,
  type DriverRecord,
  type GridBackend,
  type GridErrorCode,
} from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lines, record } from '../src/testing/case.ts'
import { createRandom } from './random.ts'

const test = suite('backend port')

interface Weak {
  readonly backend: GridBackend
  /** What the backend says, keeps and was told; some of it to be changed by the test. */
  ageMs: number
  cut: boolean
  feed: DriverFeed | undefined
  readonly stored: Map<string, DriverRecord>
  readonly expired: string[]
  closed: number
}

/** An embedded backend that can be old, lose its line and come back. */
function createWeak(consistency: readonly Consistency[]): Weak {
  const inner = embedded()
  const weak: Weak = { ageMs: 0, cut: false, feed: undefined, stored: new Map(), expired: [], closed: 0, backend: { name: 'weak', open } }
  async function open(context: Parameters<GridBackend['open']>[0]): ReturnType<GridBackend['open']> {
    const driver = await inner.open(context)
    return {
      supports: { consistency: new Set(consistency), linearizable: false, atomicPutAll: true, topics: true },
      close() {
        weak.closed++
        return driver.close()
      },
      openMap(name, feed) {
        weak.feed = feed
        const map = driver.openMap(name, {
          load: (records, reason) => feed.load(records, reason),
          patch: (changes, reason) => feed.patch(changes, reason),
          change(change) {
            if (change.type === 'put') weak.stored.set(change.key, change)
            else weak.stored.delete(change.key)
            if (!weak.cut) feed.change(change)
          },
        })
        return {
          ...map,
          ageMs: () => weak.ageMs,
          expired(key, version) {
            weak.expired.push(`${key} ${version}`)
            map.expired(key, version)
          },
        }
      },
    }
  }
  return weak
}

async function rejects(call: Promise<unknown>, code: GridErrorCode, text: string): Promise<void> {
  const error: unknown = await call.catch((reason: unknown) => reason)
  assert.ok(isGridError(error, code), String(error))
  assert.ok(error.message.includes(text), error.message)
}

test('a copy that is too old is not shown: the owner is asked', async () => {
  const weak = createWeak(['eventual', 'session', 'strong'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  await map.put('k', 1)
  weak.cut = true
  await map.put('k', 2)
  weak.ageMs = 30
  assert.equal([map.peek('k')?.value, map.ageMs()], [1, 30])
  assert.is((await map.get('k', { maxAgeMs: 30 }))?.value, 1)
  assert.is((await map.get('k', { maxAgeMs: 29 }))?.value, 2)
  assert.is((await map.get('k', { maxAgeMs: 29, consistency: 'session' }))?.value, 2)
  await grid.close()
})

test('update asks the owner when the copy was not up to date', async () => {
  const weak = createWeak(['eventual'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  await map.put('k', 1)
  weak.cut = true
  await map.put('k', 10)
  const seen: unknown[] = []
  const entry = await map.update('k', (value = 0) => (seen.push(value), value + 1))
  assert.equal([seen, entry?.value, map.peek('k')?.value], [[1, 10], 11, 1])
  await grid.close()
})

test('the backend is told what has ended, and is closed once', async () => {
  const weak = createWeak(['eventual'])
  const clock = createVirtualClock()
  const grid = await openGrid(weak.backend, { clock })
  const map = grid.map<number>('m')
  const { version } = await map.put('k', 1, { ttlMs: 10 })
  await clock.advance(10)
  assert.equal(weak.expired, [`k ${version}`])
  await Promise.all([grid.close(), grid[Symbol.asyncDispose]()])
  assert.is(weak.closed, 1)
})

test('the age of a source has the age of the copy added', async () => {
  const weak = createWeak(['eventual'])
  const clock = createVirtualClock()
  const grid = await openGrid(weak.backend, { clock })
  const map = grid.map<number>('m')
  await map.put('k', 1, { source: { epoch: 1, seq: 1 } })
  weak.ageMs = 30
  await clock.advance(5)
  assert.is(map.sourceAgeMs('k'), 35)
  await grid.close()
})

test('without an owner to ask, too old is an error, and so is what the backend cannot give', async () => {
  const weak = createWeak(['eventual', 'session'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  await map.put('k', 1)
  weak.ageMs = 30.5
  await rejects(map.get('k', { maxAgeMs: 30 }), 'TOO_OLD', 'up to 30.5 ms old; maxAgeMs is 30')
  await rejects(map.get('k', { consistency: 'strong' }), 'UNSUPPORTED', 'no "strong" read: it gives eventual, session')
  assert.is((await map.get('k', { maxAgeMs: 31 }))?.value, 1)
  await grid.close()
})

test('after a lost line every watcher is told resync with the present state, and then goes on', async () => {
  const weak = createWeak(['eventual'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  const [all, big, hooks] = [record(map), record(map, { where: ({ value }) => value > 5 }), [] as string[]]
  grid.use({ onChange: (_name, change) => void hooks.push(change.type) })
  await map.putAll([
    ['a', 1],
    ['b', 9],
  ])
  weak.cut = true
  await map.put('a', 7)
  await map.remove('b')
  await map.put('c', 2)
  weak.cut = false
  weak.feed?.load(weak.stored.values(), 'reconnect')
  await Promise.resolve()
  await map.put('c', 8)
  assert.equal(lines(all), ['put a=1', 'put b=9', 'resync reconnect a=7 c=2', 'put c=8'])
  assert.equal(lines(big), ['put b=9', 'resync reconnect a=7', 'put c=8'])
  assert.equal(hooks, ['put', 'put', 'resync', 'put'])
  assert.equal(
    Array.from(map.entries(), ({ key, value }) => [key, value]),
    [
      ['a', 7],
      ['c', 8],
    ],
  )
  await grid.close()
})

test('of several resyncs that are told as one, the strongest reason is said', async () => {
  const weak = createWeak(['eventual'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  const told = record(map)
  await map.put('a', 1)
  weak.feed?.patch([], 'gap')
  weak.feed?.patch([], 'reconnect')
  await Promise.resolve()
  weak.feed?.patch([], 'merge')
  weak.feed?.patch([], 'gap')
  await Promise.resolve()
  // One that is not known to this version is told all the same.
  weak.feed?.patch([], 'moved' as 'gap')
  await Promise.resolve()
  assert.equal(lines(told), ['put a=1', 'resync reconnect a=1', 'resync merge a=1', 'resync moved a=1'])
  await grid.close()
})

test('a resync leaves out what this process cannot read', async () => {
  const weak = createWeak(['eventual'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  const told = record(map)
  const { version } = await map.put('a', 1)
  weak.feed?.load([...weak.stored.values(), { key: 'x', version: version + 1, bytes: Buffer.alloc(3), atMs: 0 }], 'merge')
  await Promise.resolve()
  assert.equal(lines(told), ['put a=1', 'resync merge a=1'])
  await rejects(map.get('x'), 'BAD_ENVELOPE', '"x" of map "m": stored bytes are no envelope')
  const stored = weak.stored.get('a') as DriverRecord
  // The value is the last byte; 0xc1 is the one byte msgpack never uses.
  const bytes = Buffer.from(stored.bytes).fill(0xc1, stored.bytes.length - 1)
  weak.feed?.change({ ...stored, type: 'put', version: version + 2, bytes, write: undefined })
  await rejects(map.get('a'), 'BAD_ENVELOPE', '"a" of map "m": cannot store it: value is a')
  weak.feed?.load(weak.stored.values(), 'gap')
  assert.is(map.peek('x'), undefined)
  await grid.close()
})

test('damaged bytes are one unreadable key with a typed error, never more', async () => {
  const weak = createWeak(['eventual'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<unknown>('m')
  const good = await map.put('good', { x: [1, 'a', new Map([[1, new Set([2])]])] })
  const stored = weak.stored.get('good') as DriverRecord
  const random = createRandom(5)
  const codes = new Set<string>()
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(stored.bytes)
    for (let flips = 0; flips < 3; flips++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    const version = good.version + 1 + round
    weak.feed?.change({ type: 'put', key: 'x', version, bytes, atMs: 0, write: undefined })
    try {
      map.peek('x')
    } catch (error) {
      assert.ok(isGridError(error), `round ${round}: ${String(error)}`)
      codes.add(error.code)
    }
    assert.is(map.peek('good'), good)
  }
  for (const code of codes) assert.ok(['BAD_ENVELOPE', 'NEWER_FORMAT', 'NEWER_SCHEMA', 'NO_UPGRADE'].includes(code), code)
  assert.ok(codes.has('BAD_ENVELOPE'))
  weak.feed?.change({ type: 'remove', key: 'x', version: 10_000, bytes: Buffer.alloc(1), atMs: 0, write: undefined })
  assert.is(map.peek('x'), undefined)
  await grid.close()
})

test('an asynchronous first load is told as puts', async () => {
  const weak = createWeak(['eventual'])
  const grid = await openGrid(weak.backend)
  const map = grid.map<number>('m')
  weak.cut = true
  await map.put('a', 1)
  const told = record(map)
  weak.feed?.load(weak.stored.values())
  await Promise.resolve()
  assert.equal(lines(told), ['put a=1'])
  await grid.close()
})

test('the clock of this process is monotonic, and its wall clock is near the real one', () => {
  const clock = systemClock()
  const [first, second] = [clock.now(), clock.now()]
  assert.ok(second >= first)
  assert.ok(Math.abs(clock.wallNow() - Date.now()) < 60_000)
  // With fractions: versions are made of it.
  const readings = new Set(Array.from({ length: 1000 }, () => Math.floor(clock.wallNow() * 1000)))
  assert.ok(readings.size > 10, `${readings.size} different microseconds of 1,000`)
  // A clock that is put right while the process runs.
  const { now } = Date
  Date.now = () => 5
  try {
    assert.is(clock.wallNow(), 5)
  } finally {
    Date.now = now
  }
})

test('the clock of this process fires at its time, not before, and what is cleared does not fire', async () => {
  const clock = systemClock()
  const startMs = clock.now()
  const cleared = clock.setTimeout(() => assert.unreachable('was cleared'), 1)
  const far = clock.setTimeout(() => assert.unreachable('30 days are not over'), 30 * 86_400_000)
  clock.clearTimeout(cleared)
  await new Promise<void>((resolve) => void clock.setTimeout(resolve, 5.5))
  assert.ok(clock.now() - startMs >= 5)
  clock.clearTimeout(far)
})

test.run()
