import { createVirtualClock, embedded, isGridError, openGrid, type Grid, type VirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KeptKeys } from '../src/map/kept-keys.ts'
import { SessionFloors } from '../src/map/session-floors.ts'
import { lines, record } from '../src/testing/case.ts'
import { gated, release, type GatedBackend } from './gated-backend.ts'

const test = suite('part of a map')
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Two {
  readonly near: Grid
  readonly far: Grid
  readonly gates: GatedBackend
  readonly clock: VirtualClock
}

/** One grid behind gates, and another one on the same memory. */
async function two(): Promise<Two> {
  const memory = embedded()
  const gates = gated(memory)
  const clock = createVirtualClock()
  return { near: await openGrid(gates, { clock, id: 'near' }), far: await openGrid(memory, { clock, id: 'far' }), gates, clock }
}

test('an answer that a change has overtaken is not kept by a bounded copy', async () => {
  const { near, far, gates } = await two()
  const [map, other] = [near.map<number>('m', { maxEntries: 4 }), far.map<number>('m')]
  await other.putAll([['put', 1], ['gone', 1], ['reset', 1]]) // prettier-ignore
  gates.hold.reads = true
  const reads = ['put', 'gone', 'reset'].map((key) => map.get(key))
  await settle()
  await other.put('put', 2)
  await other.remove('gone')
  release(gates.held)
  assert.equal((await Promise.all(reads)).map((entry) => entry?.value), [1, 1, 1], 'each was right when it was given') // prettier-ignore
  assert.equal([map.peek('put')?.value, map.peek('gone'), map.peek('reset')?.value], [2, undefined, 1])
  await other.put('late', 1)
  const late = map.get('late')
  await settle()
  gates.hold.news = true
  await other.remove('late')
  for (const reload of gates.reloads) reload('gap')
  release(gates.held)
  assert.equal([(await late)?.value, map.peek('late')], [1, undefined], 'nor one that a resync has overtaken')
  assert.equal([map.size, map.peek('put')?.value], [2, 2], 'what was held still is')
  await Promise.all([near.close(), far.close()])
})

test('a bounded copy does not keep changes of keys it does not read', async () => {
  const { near, far } = await two()
  const [map, other] = [near.map<number>('m', { maxEntries: 4 }), far.map<number>('m')]
  await other.put('k', 1)
  await map.get('k')
  await map.get('absent')
  await other.put('absent', 1)
  await other.put('other', 1)
  assert.equal(
    Array.from(map.entries(), ({ key }) => key),
    ['k'],
  )
  await Promise.all([near.close(), far.close()])
})

test('the least used key goes first', () => {
  const kept = new KeptKeys(3)
  for (const key of ['a', 'b', 'c']) assert.is(kept.keep(key), undefined)
  kept.use('a')
  kept.use('unknown')
  assert.is(kept.keep('a'), undefined)
  assert.is(kept.keep('d'), 'b', 'a was used, so it has a second chance')
  assert.is(kept.keep('e'), 'c')
  kept.drop('d')
  assert.is(kept.keep('f'), undefined)
  for (const key of ['a', 'e', 'f']) kept.use(key)
  assert.is(kept.keep('g'), 'a', 'all were used: the oldest')
  assert.is(kept.evictions, 3)
  kept.clear()
  assert.is(kept.keep('h'), undefined)
})

test('a session never steps back from what the owner has shown', async () => {
  const { near, far, gates } = await two()
  const [map, other] = [near.map<number>('m', { consistency: 'session' }), far.map<number>('m')]
  await other.putAll([['k', 1], ['l', 1]]) // prettier-ignore
  gates.hold.news = true
  await other.put('k', 2)
  await other.remove('l')
  assert.is((await map.get('k'))?.value, 1, 'nothing newer was shown yet')
  assert.is((await map.get('k', { consistency: 'strong' }))?.value, 2)
  assert.is(await map.get('l', { consistency: 'strong' }), undefined)
  assert.is((await map.compareAndSet('k', 1, 9)).ok, false)
  assert.is((await map.get('k'))?.value, 2)
  assert.is(await map.get('l'), undefined)
  assert.is((await map.get('l', { consistency: 'eventual' }))?.value, 1, 'eventual is the copy')
  release(gates.news)
  gates.hold.news = false
  gates.hold.reads = true
  assert.is((await map.get('k'))?.value, 2, 'the copy has caught up: no owner was asked')
  gates.hold.reads = false
  await Promise.all([near.close(), far.close()])
})

test('past its bound every session read asks the owner, until the copy was replaced by what is as new', () => {
  const floors = new SessionFloors(2)
  for (const key of ['a', 'b']) floors.shown(key, 5, 3)
  assert.ok(floors.reached('other', 1))
  floors.shown('a', 4, 3)
  assert.not(floors.reached('a', 4), 'an older answer takes nothing back')
  floors.shown('b', 6, 6)
  assert.ok(floors.reached('b', 6))
  floors.shown('c', 5, 3)
  floors.shown('d', 5, 3)
  assert.not(floors.reached('other', 1))
  // The copy of `a` is as old as before, and what the owner had of it is lost.
  floors.settle((key) => (key === 'a' ? 4 : undefined))
  assert.ok(floors.reached('other', 1))
  assert.not(floors.reached('a', 4))
  assert.ok(floors.reached('a', 5))
})

test('what left the interest is heard as a source, also over a resync; an index follows', async () => {
  const { near, far, gates, clock } = await two()
  const map = near.map<number>('m', { interest: { where: ({ value }) => value > 5 } })
  const told = record(map)
  const index = map.index({ sortedBy: (value) => value })
  const other = far.map<number>('m')
  await other.put('r1', 9, { source: { epoch: 1, seq: 1 } })
  await clock.advance(10)
  await other.put('r1', 1, { source: { epoch: 1, seq: 2 } })
  assert.is(map.sourceAgeMs('r1'), 0)
  await other.put('r2', 9)
  gates.hold.news = true
  await clock.advance(10)
  await other.put('r1', 2, { source: { epoch: 1, seq: 3 } })
  await other.put('r2', 1)
  await other.put('r3', 7)
  for (const reload of gates.reloads) reload('reconnect')
  assert.is(map.sourceAgeMs('r1'), 0)
  await settle()
  assert.equal(lines(told), ['put r1=9', 'remove r1', 'put r2=9', 'resync reconnect r3=7'])
  assert.equal([index.between(0, 10).map(({ key }) => key), index.size], [['r3'], 1])
  await near.close()
  await far.close()
})

test('a backend without an owner to ask holds whole maps only', async () => {
  const inner = embedded()
  const weak = { name: 'weak', open: async (context: Parameters<typeof inner.open>[0]) => ({ ...(await inner.open(context)), supports: { consistency: new Set(['eventual'] as const), linearizable: false, atomicPutAll: true, topics: true } }) } // prettier-ignore
  const grid = await openGrid(weak)
  for (const options of [{ maxEntries: 1 }, { interest: { prefix: 'a' } }, { consistency: 'session' as const }]) {
    try {
      grid.map('m', options)
      assert.unreachable(JSON.stringify(options))
    } catch (error) {
      assert.ok(isGridError(error, 'UNSUPPORTED'), String(error))
    }
  }
  const map = grid.map<number>('m')
  const refused: unknown = await map.put('k', 1, { consistency: 'strong' }).catch((error: unknown) => error)
  assert.ok(isGridError(refused, 'UNSUPPORTED') && refused.message.includes('no "strong" write: it gives eventual'), String(refused))
  await grid.close()
})

test.run()
