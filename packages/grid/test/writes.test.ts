import { createVirtualClock, embedded, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCodec } from '../src/map/codec.ts'
import { lines, record } from '../src/testing/case.ts'
import { gated, release } from './gated-backend.ts'

const test = suite('writes that meet')
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a write that is older but arrives later loses: to a put, to a remove, and as a remove', async () => {
  const memory = embedded()
  const gates = gated(memory)
  const clock = createVirtualClock()
  const [slow, fast] = [await openGrid(gates, { clock, id: 'slow' }), await openGrid(memory, { clock, id: 'fast' })]
  const [late, map] = [slow, fast].map((grid) => grid.map<string>('m', { merge: 'last-writer-wins', tombstoneMs: 100 }))
  if (late === undefined || map === undefined) return assert.unreachable()
  await map.putAll([['put', 'first'], ['removed', 'first'], ['kept', 'first'], ['forgotten', 'first']]) // prettier-ignore
  gates.hold.commits = true
  const puts = ['put', 'removed', 'forgotten'].map((key) => late.put(key, 'older'))
  const remove = late.remove('kept')
  await clock.advance(1)
  await map.put('put', 'newer')
  await map.put('kept', 'newer')
  await map.remove('removed')
  await map.remove('forgotten')
  const told = record(map)
  gates.hold.commits = false
  const [forgotten] = gates.held.splice(2, 1)
  release(gates.held)
  const [put, removed] = await Promise.all(puts.slice(0, 2))
  assert.equal([put?.value, removed?.value, await remove], ['newer', 'older', false], 'each is told what stands')
  assert.equal([map.peek('put')?.value, map.peek('removed'), map.peek('kept')?.value], ['newer', undefined, 'newer'])
  await clock.advance(100)
  forgotten?.()
  await Promise.all(puts)
  assert.equal(lines(told), ['put forgotten="older"'], 'the remove is remembered for so long')
  await Promise.all([slow.close(), fast.close()])
})

test('a write made after seeing another one is later, although its wall clock is 70 s behind', async () => {
  const memory = embedded()
  const ahead = await openGrid(memory, { clock: createVirtualClock({ wallStartMs: 70_000 }) })
  const behind = await openGrid(memory, { clock: createVirtualClock() })
  const [first, second] = [ahead, behind].map((grid) => grid.map<number>('m', { merge: 'last-writer-wins' }))
  await first?.put('k', 1)
  assert.is((await second?.put('k', 2))?.value, 2)
  assert.is(first?.peek('k')?.value, 2)
  await first?.putAll([['a', 1], ['b', 1]]) // prettier-ignore
  for (const key of ['a', 'b', 'k']) await first?.remove(key)
  assert.is((await second?.put('k', 3))?.value, 3)
  assert.is(first?.peek('k')?.value, 3, 'a remove was seen, too')
  await Promise.all([ahead.close(), behind.close()])
})

test('while the last commit of a key is under way, its further puts wait and become one', async () => {
  const gates = gated(embedded())
  const grid = await openGrid(gates)
  const map = grid.map<number>('m', { coalesceWrites: true })
  const told = record(map)
  gates.hold.commits = true
  const puts = [map.put('k', 1)]
  await settle()
  for (let n = 2; n < 6; n++) {
    puts.push(map.put('k', n))
    await settle()
  }
  assert.is(gates.held.length, 1)
  gates.hold.commits = false
  release(gates.held)
  assert.equal((await Promise.all(puts)).map(({ value }) => value), [1, 5, 5, 5, 5]) // prettier-ignore
  assert.equal(lines(told), ['put k=1', 'put k=5'])
  await grid.close()
})

test('what waits to be coalesced is committed by close, and a failed commit fails its callers and no others', async () => {
  const memory = embedded()
  const other = (await openGrid(memory)).map<number>('m')
  const gates = gated(memory)
  const grid = await openGrid(gates)
  const map = grid.map<number>('m', { coalesceWrites: true })
  const put = map.put('k', 1)
  await grid.close()
  assert.equal([(await put).value, other.peek('k')?.value], [1, 1])
})

test('each write has an id of its own in the header: the session of its grid and a count', async () => {
  const codec = createCodec()
  const inner = embedded()
  const stored: unknown[] = []
  const ids: unknown[] = []
  const spy = {
    name: 'spy',
    open: async (context: Parameters<typeof inner.open>[0]) => {
      const driver = await inner.open(context)
      return {
        ...driver,
        openMap: (...given: Parameters<typeof driver.openMap>) => {
          const map = driver.openMap(...given)
          return {
            ...map,
            commit: (write: Parameters<typeof map.commit>[0]) => {
              ids.push(write.id)
              stored.push(codec.read(write.pack(1, 0)).header.writeId)
              return map.commit(write)
            },
          }
        },
      }
    },
  }
  const grids = [await openGrid(spy, { id: 'same' }), await openGrid(spy, { id: 'same' })]
  for (const grid of grids) {
    const map = grid.map<number>('m')
    await map.put('k', 1)
    await map.remove('k')
  }
  assert.equal(stored, ids)
  assert.is(new Set(ids.map((id) => JSON.stringify(id))).size, 4)
  assert.equal(ids.map((id) => (id as { number: number }).number), [1, 2, 1, 2]) // prettier-ignore
  await Promise.all(grids.map((grid) => grid.close()))
})

test.run()
