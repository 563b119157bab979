import { createVirtualClock, embedded, isGridError, openGrid, type Clock, type GridBackend, type MapDriver } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AgeWatch } from '../src/age/age-watch.ts'
import { gated } from './gated-backend.ts'

const test = suite('age watches')

test('a gap that ended before the late timer ran is told: stale, then fresh', async () => {
  const clock = createVirtualClock()
  let lateMs = 0
  // A process whose event loop is stalled: its timers do not run, but time passes.
  const stalled: Clock = {
    now: () => clock.now() + lateMs,
    wallNow: () => clock.wallNow(),
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
    clearTimeout: (handle) => clock.clearTimeout(handle),
  }
  const grid = await openGrid({ clock: stalled })
  const map = grid.map<number>('m')
  await map.put('r1', 1, { source: { epoch: 1, seq: 1 } })
  const told: string[] = []
  map.onAge({ maxAgeMs: 50, source: 'r1' }, (event, ageMs) => told.push(`${event} ${ageMs}`))
  lateMs = 200
  await map.put('r1', 1, { source: { epoch: 1, seq: 2 } })
  await clock.advance(0)
  assert.equal(told, ['stale 200', 'fresh 0'])
  await grid.close()
  assert.is(clock.pending, 0)
})

test('the age of a copy is looked at again while it is stale, and told when it is fresh', async () => {
  const clock = createVirtualClock()
  const gates = gated(embedded())
  const grid = await openGrid(gates, { clock })
  const map = grid.map<number>('m')
  await map.put('r1', 1, { source: { epoch: 1, seq: 1 } })
  const told: string[] = []
  map.onAge({ maxAgeMs: 40 }, (event, ageMs) => told.push(`copy ${event} ${ageMs}`))
  map.onAge({ maxAgeMs: 100, source: 'r1' }, (event, ageMs) => told.push(`source ${event} ${ageMs}`))
  gates.ageMs = 90
  await clock.advance(41)
  assert.equal(told, ['copy stale 90'])
  gates.ageMs = 10
  await clock.advance(10)
  assert.equal(told.slice(1), ['copy fresh 10'])
  gates.ageMs = 90
  await clock.advance(50)
  assert.equal(told.slice(2), ['copy stale 90', 'source stale 190'])
  gates.ageMs = 10
  await clock.advance(50)
  assert.equal(told.slice(4), ['copy fresh 10'], 'the source is silent')
  await map.put('r1', 1, { source: { epoch: 1, seq: 2 } })
  await clock.advance(0)
  assert.equal(told.slice(5), ['source fresh 10'])
  await grid.close()
  assert.is(clock.pending, 0)
})

test('an age that grows by itself needs one timer at a time', async () => {
  const clock = createVirtualClock()
  let heardAtMs = 0
  const told: string[] = []
  const ageMs = (): number => clock.now() - heardAtMs
  const listener = (event: string, age: number): void => void told.push(`${event} ${age}`)
  const watch = new AgeWatch({ maxAgeMs: 50, clock, ageMs, replicaAgeMs: () => 0, listener, onError: () => {} })
  for (let n = 0; n < 10; n++) {
    await clock.advance(30)
    heardAtMs = clock.now()
    watch.heard(30)
    assert.is(clock.pending, 1)
  }
  assert.equal(told, [])
  await clock.advance(51)
  assert.equal([told, clock.pending], [['stale 51'], 0], 'while it is silent nothing is looked at')
  watch.close()
})

/** A backend whose copies are loaded when the test says so. */
function lateLoads(inner: GridBackend): { readonly backend: GridBackend; readonly load: () => void } {
  const waiting: (() => void)[] = []
  const backend: GridBackend = {
    name: 'late',
    async open(context) {
      const driver = await inner.open(context)
      return {
        ...driver,
        openMap(name, feed) {
          let map: MapDriver | undefined
          const loaded = new Promise<void>((resolve) => {
            waiting.push(() => {
              map = driver.openMap(name, feed)
              resolve()
            })
          })
          const later = async <T>(use: (open: MapDriver) => Promise<T>): Promise<T> => {
            await loaded
            return use(map as MapDriver)
          }
          return {
            commit: (write) => later((open) => open.commit(write)),
            commitAll: (writes) => later((open) => open.commitAll(writes)),
            read: (key) => later((open) => open.read(key)),
            clear: (removal) => later((open) => open.clear(removal)),
            expired: () => {},
            ageMs: () => (map === undefined ? Infinity : 0),
            caughtUp: (signal) =>
              new Promise((resolve, reject) => {
                signal?.addEventListener('abort', () => reject(signal.reason))
                loaded.then(resolve, reject)
              }),
            close: () => map?.close(),
          }
        },
      }
    },
  }
  return { backend, load: () => waiting.splice(0).forEach((go) => go()) }
}

test('whose source it is is judged by the copy, so a stamped write waits until it is loaded', async () => {
  const inner = embedded()
  const robot = (await openGrid(inner, { id: 'robot' })).map<number>('m')
  await robot.put('r1', 1, { source: { epoch: 1, seq: 1 } })
  const late = lateLoads(inner)
  const clock = createVirtualClock()
  const thief = (await openGrid(late.backend, { id: 'thief', clock })).map<number>('m')
  const stamped = { source: { epoch: 1, seq: 2 } }
  const calls = [thief.put('r1', 2, stamped), thief.putAll([['r1', 2]], stamped), thief.compareAndSet('r1', 1, 2, stamped)]
  const own = [3, 4].map((seq) => thief.put('r2', seq, { source: { epoch: 1, seq } }))
  late.load()
  for (const call of calls) {
    const error: unknown = await call.catch((reason: unknown) => reason)
    assert.ok(isGridError(error, 'NOT_THE_SOURCE'), String(error))
  }
  const versions = (await Promise.all(own)).map(({ version }) => version)
  assert.ok((versions[0] ?? 0) < (versions[1] ?? 0), 'in their order')
  assert.equal([robot.peek('r1')?.value, robot.peek('r2')?.value], [1, 4])
  await robot.put('r1', 3, { source: { epoch: 1, seq: 2 } })
  // A copy that does not come is not waited for without end (I8).
  const never = (await openGrid(lateLoads(inner).backend, { clock })).map<number>('m')
  const waiting = never.put('r1', 4, { source: { epoch: 2, seq: 1 } }).catch((reason: unknown) => reason)
  await clock.advance(500)
  assert.ok(isGridError(await waiting, 'TIMEOUT'))
})

test.run()
