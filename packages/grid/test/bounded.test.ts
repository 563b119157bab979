import { bounded, createVirtualClock, embedded, isGridError, openGrid, type BoundedOptions, type Grid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gated, release, type GatedBackend } from './gated-backend.ts'

const test = suite('bounded')

async function open(options?: BoundedOptions): Promise<{ grid: Grid; gates: GatedBackend; clock: ReturnType<typeof createVirtualClock> }> {
  const clock = createVirtualClock()
  const gates = gated(embedded())
  return { grid: await openGrid(bounded(gates, options), { clock }), gates, clock }
}

async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    return isGridError(error) ? `${error.code}: ${error.message}` : String(error)
  }
}

test('an operation that does not end is refused at its deadline, and local reads go on', async () => {
  const { grid, gates, clock } = await open()
  const map = grid.map<number>('m')
  const { version } = await map.put('k', 1)
  gates.hold.commits = true
  gates.hold.reads = true
  const outcomes = Promise.all(
    [
      map.put('k', 2),
      map.putAll([['k', 2]]),
      map.remove('k'),
      map.get('k', { consistency: 'strong' }),
      map.update('k', (n = 0) => n + 1),
      map.compareAndSet('k', version, 3),
      map.compareAndSet('new', 0, 3),
      map.removeIf('k', version),
    ].map(outcome),
  )
  let told = false
  void outcomes.then(() => (told = true))
  await clock.advance(499)
  assert.is(told, false)
  await clock.advance(1)
  const all = await outcomes
  assert.is(all[0], 'TIMEOUT: put of "k" of map "m" did not end within 500 ms: outcome unknown')
  assert.is(all[3], 'TIMEOUT: get of "k" of map "m" did not end within 500 ms', 'of a read there is no outcome')
  assert.is(all[5], `TIMEOUT: put of "k" over version ${version} of map "m" did not end within 500 ms: outcome unknown`)
  assert.is(all[6], 'TIMEOUT: put of "new" over nothing of map "m" did not end within 500 ms: outcome unknown')
  assert.is(all[7], `TIMEOUT: remove of "k" over version ${version} of map "m" did not end within 500 ms: outcome unknown`)
  for (const one of all) assert.ok(one.startsWith('TIMEOUT'), one)
  assert.is(map.peek('k')?.value, 1)
  gates.hold.commits = false
  release(gates.held)
  await clock.advance(0)
  assert.ok((map.peek('k')?.value ?? 0) >= 0 || map.peek('k') === undefined, 'what was under way may still have been made')
  assert.is((await map.put('l', 1)).value, 1)
  await grid.close()
  assert.is(clock.pending, 0)
})

test('past the bound callers wait for a place, in order, and those that find none in time sent nothing', async () => {
  const { grid, gates, clock } = await open({ deadlineMs: 100, maxInFlight: 2 })
  const map = grid.map<number>('m')
  gates.hold.commits = true
  const outcomes = [1, 2, 3, 4].map((n) => outcome(map.put(`k${n}`, n)))
  await clock.advance(0)
  assert.is(gates.held.length, 2, 'only so many reach the backend')
  gates.held.shift()?.()
  await clock.advance(50)
  assert.equal([await outcomes[0], gates.held.length], ['done', 2], 'the third has begun')
  const late = outcome(map.put('k5', 5))
  await clock.advance(50)
  assert.ok((await outcomes[1])?.startsWith('TIMEOUT'))
  assert.ok((await outcomes[2])?.startsWith('TIMEOUT'), 'its time counts from its call')
  assert.is(await outcomes[3], 'BUSY: put of "k4" of map "m": 2 operations were under way for 100 ms; nothing was sent')
  assert.is(gates.held.length, 2, 'an operation that is too late keeps its place until it ends')
  gates.hold.commits = false
  release(gates.held)
  await clock.advance(0)
  assert.equal([await late, map.peek('k4'), map.peek('k5')?.value], ['done', undefined, 5])
  await grid.close()
  assert.is(clock.pending, 0)
})

test('a failure of the backend is passed on, and gives the place back', async () => {
  const inner = embedded()
  let broken = true
  const clock = createVirtualClock()
  const backend = {
    name: 'broken',
    open: async (context: Parameters<typeof inner.open>[0]) => {
      const driver = await inner.open(context)
      const openMap: typeof driver.openMap = (...given) => {
        const map = driver.openMap(...given)
        return { ...map, commit: (write) => (broken ? Promise.reject(new Error('broken')) : map.commit(write)) }
      }
      return { ...driver, openMap }
    },
  }
  const grid = await openGrid(bounded(backend, { maxInFlight: 1 }), { clock })
  const map = grid.map<number>('m')
  assert.equal(await Promise.all([map.put('k', 1), map.put('k', 2)].map(outcome)), ['Error: broken', 'Error: broken'])
  broken = false
  assert.is((await map.put('k', 3)).value, 3)
  assert.is(clock.pending, 0)
  await grid.close()
})

test('close refuses what has not begun; bad options are refused', async () => {
  const { grid, gates, clock } = await open({ maxInFlight: 1 })
  const map = grid.map<number>('m')
  gates.hold.commits = true
  const outcomes = [1, 2].map((n) => outcome(map.put('k', n)))
  await clock.advance(0)
  await grid.close()
  assert.is(await outcomes[1], 'CLOSED: the grid was closed; nothing was sent')
  release(gates.held)
  assert.is(await outcomes[0], 'done')
  assert.is(clock.pending, 0)
  for (const options of [{ deadlineMs: 0 }, { deadlineMs: Infinity }, { maxInFlight: 0.5 }, { deadline: 1 } as BoundedOptions]) {
    assert.throws(
      () => bounded(embedded(), options),
      (error: unknown) => isGridError(error, 'BAD_OPTION'),
      JSON.stringify(options),
    )
  }
})

test.run()
