import { openGrid } from '@stigmergy/grid'
import { createMapStore, isStoreError, type StoredInMap, type StoreErrorCode } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('states in a map')
const ours = { owner: 'a', token: 1 }
const theirs = { owner: 'b', token: 2 }
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

async function refused(work: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  await work.then(
    () => assert.unreachable(code),
    (error: unknown) => assert.ok(isStoreError(error, code), String(error)),
  )
}

test('commits follow each other; an older fence and another revision are refused, also after a delete', async () => {
  await using grid = await openGrid()
  const map = grid.map<StoredInMap>('states')
  const [store, other] = [createMapStore(map), createMapStore(map)]
  assert.is(await store.get('x'), undefined)
  const given = bytes(1)
  const committing = store.commit('x', 0, ours, given)
  given[0] = 9
  assert.is(await committing, 1)
  assert.equal(await other.get('x'), { rev: 1, fence: ours, value: bytes(1) })
  await refused(other.commit('x', 0, ours, bytes(2)), 'STORE_CONFLICT')
  assert.is(await other.commit('x', 1, theirs, bytes(2)), 2)
  await refused(store.commit('x', 2, ours, bytes(3)), 'STORE_FENCED')
  await refused(store.delete('x', ours), 'STORE_FENCED')
  await other.delete('x', theirs)
  assert.is(await store.get('x'), undefined)
  await refused(store.commit('x', 0, ours, bytes(3)), 'STORE_FENCED')
  assert.is(await other.commit('x', 0, theirs, bytes(4)), 1)
  await refused(store.commit('', 0, ours, bytes(3)), 'BAD_ID')
  await store.close()
  await refused(store.get('x'), 'CLOSED')
})

test('of commits made at once on one revision, one stands', async () => {
  await using grid = await openGrid()
  const stores = Array.from({ length: 10 }, () => createMapStore(grid.map<StoredInMap>('states')))
  const results = await Promise.allSettled(stores.map((store, at) => store.commit('x', 0, ours, bytes(at))))
  assert.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

test.run()
