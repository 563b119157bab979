import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isCoreError, memoryStore, type CoreErrorCode, type Store } from '../src/index.ts'

const test = suite('memory store')

const ours = { owner: 'a', token: 1 }
const theirs = { owner: 'b', token: 2 }
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

async function refuses(promise: Promise<unknown>, code: CoreErrorCode, message: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isCoreError(error, code), String(error))
  assert.match((error as Error).message, message)
}

async function holding(): Promise<Store> {
  const store = memoryStore()
  assert.is(await store.commit('x', 0, ours, bytes(1)), 1)
  return store
}

test('keeps the last revision, by copy both ways', async () => {
  const store = memoryStore()
  const given = Buffer.from([1, 2])
  await store.commit('x', 0, ours, given)
  given[0] = 9
  const first = await store.get('x')
  assert.equal(first, { rev: 1, fence: ours, value: bytes(1, 2) })
  first?.value.fill(7)
  assert.equal((await store.get('x'))?.value, bytes(1, 2))
  assert.is(await store.commit('x', 1, ours, bytes(3)), 2)
  assert.equal((await store.get('x'))?.value, bytes(3))
  assert.is(await store.get('y'), undefined)
})

test('another revision than expected is refused, and nothing is written', async () => {
  const store = await holding()
  await refuses(store.commit('x', 0, ours, bytes(2)), 'STORE_CONFLICT', /agent "x" is at revision 1, not at 0/)
  await refuses(store.commit('y', 1, ours, bytes(2)), 'STORE_CONFLICT', /agent "y" is at revision 0, not at 1/)
  assert.equal((await store.get('x'))?.value, bytes(1))
})

test('an older fence, or the same of another owner, is refused (I1)', async () => {
  const store = await holding()
  await store.commit('x', 1, theirs, bytes(2))
  await refuses(store.commit('x', 2, ours, bytes(3)), 'STORE_FENCED', /a may not write agent "x" with token 1: b holds it with token 2/)
  await refuses(store.commit('x', 2, { owner: 'c', token: 2 }, bytes(3)), 'STORE_FENCED', /b holds it/)
  await refuses(store.delete('x', ours), 'STORE_FENCED', /b holds it/)
  assert.equal(await store.get('x'), { rev: 2, fence: theirs, value: bytes(2) })
})

test('a delete does not let an older writer back in', async () => {
  const store = await holding()
  await store.delete('x', theirs)
  assert.is(await store.get('x'), undefined)
  await refuses(store.commit('x', 0, ours, bytes(3)), 'STORE_FENCED', /b holds it/)
  assert.is(await store.commit('x', 0, theirs, bytes(3)), 1)
})

test('closed, it refuses', async () => {
  const store = await holding()
  await store.close()
  await refuses(store.get('x'), 'CLOSED', /closed/)
  await refuses(store.commit('x', 1, ours, bytes(2)), 'CLOSED', /closed/)
})

test.run()
