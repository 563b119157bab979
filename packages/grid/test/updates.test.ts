import {
  createVirtualClock,
  embedded,
  isGridError,
  openGrid,
  type GridBackend,
  type GridMap,
  type MapDriver,
  type MapOptions,
} from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gated, release } from './gated-backend.ts'
import { remote } from './remote-backend.ts'

const test = suite('updates of one key')

const plusOne = (n = 0): number => n + 1
const yields = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The backend, with commits that go another way. */
function withCommit(inner: GridBackend, commit: (map: MapDriver) => MapDriver['commit']): GridBackend {
  return {
    name: inner.name,
    async open(context) {
      const driver = await inner.open(context)
      const openMap: typeof driver.openMap = (...given) => {
        const map = driver.openMap(...given)
        return { ...map, commit: commit(map) }
      }
      return { ...driver, openMap }
    },
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (isGridError(error) ? `${error.code}: ${error.message}` : String(error)),
  )
}

test('as many compare-and-sets as updates, however many wait for one another', async () => {
  for (const options of [{}, { interest: 'none' }] as const) {
    let commits = 0
    const counted = withCommit(remote(embedded()), (map) => (write) => (commits++, map.commit(write)))
    await using grid = await openGrid(counted)
    const map = grid.map<number>('m', options)
    await Promise.all(Array.from({ length: 200 }, () => map.update('k', plusOne)))
    assert.equal([(await map.get('k', { consistency: 'strong' }))?.value, commits], [200, 200])
  }
})

test('so with blind writes that are merged', async () => {
  let commits = 0
  const counted = withCommit(remote(embedded()), (map) => (write) => (commits++, map.commit(write)))
  await using grid = await openGrid(counted)
  const map = grid.map<number>('m', { merge: 'last-writer-wins' })
  await Promise.all(Array.from({ length: 200 }, (_, n) => map.put('k', n)))
  assert.equal([map.peek('k')?.value, commits], [199, 200])
  const last = map.put('k', 7)
  assert.equal([await map.remove('k'), (await last).value, map.peek('k'), commits], [true, 7, undefined, 202])
})

test('those of other keys do not wait, and one that fails holds up nobody', async () => {
  const gates = gated(embedded())
  await using grid = await openGrid(gates)
  const map = grid.map<number>('m')
  gates.hold.commits = true
  const held = map.update('a', plusOne)
  gates.hold.commits = false
  const failing = codeOf(
    map.update('a', () => {
      throw new Error('broken')
    }),
  )
  const last = map.update('a', plusOne)
  assert.is((await map.update('b', plusOne))?.value, 1)
  release(gates.held)
  assert.equal([(await held)?.value, await failing, (await last)?.value], [1, 'Error: broken', 2])
})

test('inside the process each is made inside its call, and comes before what is called next', async () => {
  await using grid = await openGrid()
  const map = grid.map<number>('m')
  const updates = [map.update('k', plusOne), map.update('k', plusOne)]
  assert.is(map.peek('k')?.value, 2)
  const put = map.put('k', 10)
  await Promise.all([...updates, put, map.update('k', plusOne)])
  assert.is(map.peek('k')?.value, 11)
})

test('one that others always come before ends at its deadline, and does not go on', async () => {
  const clock = createVirtualClock()
  const memory = embedded()
  await using rival = await openGrid(memory, { clock })
  const other = rival.map<number>('m')
  const overtaken = withCommit(memory, (map) => async (write) => {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 30))
    await other.put('k', 0)
    return map.commit(write)
  })
  await using grid = await openGrid(overtaken, { clock })
  let asked = 0
  const update = codeOf(grid.map<number>('m').update('k', (n = 0) => (asked++, n + 1)))
  await clock.advance(500)
  assert.is(
    await Promise.race([update, yields().then(() => 'goes on')]),
    'TIMEOUT: update of "k" of map "m" did not end within 500 ms: outcome unknown',
  )
  const before = asked
  await clock.advance(1000)
  assert.equal([asked, clock.pending], [before, 0])
})

test('one that waited for others until its deadline sent nothing, and never will', async () => {
  const clock = createVirtualClock()
  const gates = gated(embedded())
  await using grid = await openGrid(gates, { clock })
  const map = grid.map<number>('m')
  gates.hold.commits = true
  let asked = 0
  const updates = [1, 2].map(() => codeOf(map.update('k', (n = 0) => (asked++, n + 1))))
  await clock.advance(500)
  assert.equal(await Promise.all(updates), [
    'TIMEOUT: update of "k" of map "m" did not end within 500 ms: outcome unknown',
    'BUSY: update of "k" of map "m": others of this process were before it for 500 ms; nothing was sent',
  ])
  gates.hold.commits = false
  release(gates.held)
  await yields()
  assert.equal([asked, (await map.update('k', plusOne))?.value, clock.pending], [1, 2, 0])
})

test('one that is late while it asks is not made, as its caller is told, and its function is not called', async () => {
  for (const [options, call] of [
    [{ interest: { prefix: 'z' } }, (map) => map.update('k', plusOne)],
    [{ interest: { prefix: 'z' }, merge: 'last-writer-wins' }, (map) => map.put('k', 2)],
    [{ interest: { prefix: 'z' }, merge: 'last-writer-wins' }, (map) => map.remove('k')],
  ] as const satisfies readonly (readonly [MapOptions<number>, (map: GridMap<number>) => Promise<unknown>])[]) {
    const gates = gated(embedded())
    const clock = createVirtualClock()
    await using grid = await openGrid(gates, { clock })
    const map = grid.map<number>('m', options)
    await map.put('k', 1)
    gates.hold.reads = true
    const late = codeOf(call(map))
    await clock.advance(500)
    assert.match(await late, /^TIMEOUT: \w+ of "k" of map "m" did not end within 500 ms: it was not made/)
    gates.hold.reads = false
    release(gates.held)
    await yields()
    assert.is((await map.get('k', { consistency: 'strong' }))?.value, 1)
  }
})

test('what the copy has not heard yet ends no update and no remove: the owner is asked', async () => {
  const inner = embedded()
  const gates = gated(inner)
  gates.ageMs = 5
  await using grid = await openGrid(gates)
  await using other = await openGrid(inner)
  for (const options of [{}, { merge: 'last-writer-wins' }] as const) {
    const name = JSON.stringify(options)
    const [map, others] = [grid.map<number>(name, options), other.map<number>(name, options)]
    gates.hold.news = true
    for (const key of ['a', 'b', 'c', 'd']) await others.put(key, 1)
    assert.is(map.size, 0)
    assert.is((await map.update('a', (n) => n && n + 1))?.value, 2, 'undefined would have left it')
    assert.is((await map.update('b', (n) => (n as number) + 1))?.value, 2, 'NaN cannot be stored')
    const bad = codeOf(map.update('b', (n) => n && NaN))
    assert.match(await bad, /^BAD_VALUE/)
    let calls = 0
    const fails = codeOf(
      map.update('c', (n) => {
        calls++
        throw new Error(String(n))
      }),
    )
    assert.equal([await fails, calls], ['Error: 1', 2])
    assert.is(await map.remove('d'), true)
    release(gates.news)
    gates.hold.news = false
  }
})

test.run()
