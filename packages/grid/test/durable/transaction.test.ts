import { bounded, embedded, isGridError, openGrid, type GridErrorCode, type GridMap } from '@stigmergy/grid'
import { openDurable, type Durable, type Transaction } from '@stigmergy/grid/durable'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quickPlace } from './places.ts'

const test = suite('transactions of store and maps, level process')

interface Part {
  readonly x: number
  readonly owner?: string
}

const ours = { owner: 'a', token: 1 }
const bytes = (text: string): Uint8Array => Buffer.from(text)

async function opened(use: (durable: Durable, parts: GridMap<Part>, path: string) => Promise<void>): Promise<void> {
  const place = await quickPlace()
  const durable = await openDurable({ path: place.path })
  const grid = await openGrid(durable.backend)
  try {
    await use(durable, grid.map<Part>('parts'), place.path)
  } finally {
    await grid.close()
    await durable.close()
    await place.done()
  }
}

async function refused(promise: Promise<unknown>, code: StoreErrorCode | GridErrorCode, text = ''): Promise<void> {
  try {
    await promise
  } catch (error) {
    assert.ok(isStoreError(error, code as StoreErrorCode) || isGridError(error, code as GridErrorCode), String(error))
    assert.ok((error as Error).message.includes(text), (error as Error).message)
    return
  }
  assert.unreachable(`it was not refused with ${code}`)
}

test('a commit and writes of maps are one step, told to this process before it resolves and to others by the log', () =>
  opened(async (durable, parts, path) => {
    const other = await openGrid(embedded({ path, pollMs: 10 }))
    const told: string[] = []
    other.map<Part>('parts').watch((change) => told.push(`${change.type} ${'key' in change ? change.key : ''}`))
    await parts.put('p0', { x: 0 })
    const done = await durable.transaction((transaction) => {
      transaction.commit('planner', 0, ours, bytes('one'), [bytes('effect')])
      transaction.put(parts, 'p1', { x: 1, owner: 'planner' })
      transaction.put(parts, 'p2', { x: 2 }, { ttlMs: 60_000 })
      transaction.remove(parts, 'p0')
      transaction.remove(parts, 'nothing')
    })
    assert.equal([done.revisions, done.versions.map((version) => version > 0)], [[1], [true, true, true, false]])
    assert.is(parts.peek('p1')?.version, done.versions[0])
    assert.is(parts.peek('p2')?.ttlMs, 60_000)
    assert.is(parts.peek('p0'), undefined)
    assert.is((await durable.store.outbox('planner')).length, 1)
    await other.map<Part>('parts').caughtUp()
    while (told.length < 4) await new Promise((resolve) => setTimeout(resolve, 2))
    assert.equal(told, ['put p0', 'put p1', 'put p2', 'remove p0'])
    // What was sent stands in a map as soon as it is settled, and not before.
    await durable.transaction((transaction) => {
      transaction.settle('planner', ours, 1)
      transaction.put(parts, 'sent', { x: 9 })
    })
    assert.equal([await durable.store.outbox('planner'), parts.peek('sent')?.value.x], [[], 9])
    await durable.transaction((transaction) => (transaction.delete('planner', ours), transaction.remove(parts, 'sent')))
    assert.equal([await durable.store.get('planner'), parts.peek('sent')], [undefined, undefined])
    assert.equal(await durable.transaction(() => undefined), { revisions: [], versions: [] })
    await other.close()
  }))

test('one part that is refused, and nothing of it is written: fence, revision, version of an entry', () =>
  opened(async (durable, parts) => {
    const { version } = await parts.put('p1', { x: 1 })
    await durable.store.commit('planner', 0, { owner: 'b', token: 5 }, bytes('theirs'))
    const attempt = (also: (transaction: Transaction) => void): Promise<unknown> =>
      durable.transaction((transaction) => {
        transaction.commit('fresh', 0, ours, bytes('x'))
        transaction.put(parts, 'p1', { x: 2 })
        also(transaction)
      })
    await refused(
      attempt((transaction) => transaction.commit('planner', 1, ours, bytes('x'))),
      'STORE_FENCED',
    )
    await refused(
      attempt((transaction) => transaction.commit('fresh', 0, ours, bytes('x'))),
      'STORE_CONFLICT',
      '"fresh" is at revision 1',
    )
    await refused(
      attempt((transaction) => transaction.put(parts, 'p2', { x: 3 }, { expectedVersion: 7 })),
      'STORE_CONFLICT',
      '"p2" of map "parts" is at version 0, not at 7',
    )
    await refused(
      attempt((transaction) => transaction.remove(parts, 'p1', { expectedVersion: version })),
      'STORE_CONFLICT',
      'of map "parts"',
    )
    assert.equal([await durable.store.get('fresh'), parts.peek('p1')?.version], [undefined, version])
    // Each upon those before it, and with the version there: it goes.
    const done = await durable.transaction((transaction) => {
      transaction.put(parts, 'p1', { x: 4 }, { expectedVersion: version })
      transaction.put(parts, 'p1', { x: 5 })
      transaction.commit('fresh', 0, ours, bytes('x'))
      transaction.commit('fresh', 1, ours, bytes('y'))
    })
    assert.equal([done.revisions, parts.peek('p1')?.value.x, parts.peek('p1')?.version], [[1, 2], 5, done.versions[1]])
  }))

test('what a map would refuse is refused, and what is said too late', () =>
  opened(async (durable, parts, path) => {
    const { transaction } = durable
    await refused(
      transaction((it) => (it.commit('a', 0, ours, bytes('x')), it.put(parts, '', { x: 1 }))),
      'BAD_KEY',
    )
    await refused(
      transaction((it) => (it.commit('a', 0, ours, bytes('x')), it.put(parts, 'p', { x: Number.NaN }))),
      'BAD_VALUE',
    )
    await refused(
      transaction((it) => it.commit('', 0, ours, bytes('x'))),
      'BAD_ID',
    )
    await refused(transaction('x' as never), 'BAD_OPTION', 'transaction is "x"')
    await refused(transaction((async (it: Transaction) => it.commit('a', 0, ours, bytes('x'))) as never), 'BAD_OPTION', 'a promise')
    let kept: Transaction | undefined
    await transaction((it) => void (kept = it))
    assert.throws(() => kept?.commit('a', 0, ours, bytes('x')), /this transaction is over/)
    const memory = await openGrid()
    const elsewhere = await openGrid(embedded({ path }))
    await refused(
      transaction((it) => it.put(memory.map<Part>('m'), 'p', { x: 1 })),
      'UNSUPPORTED',
      'has no transactions',
    )
    await refused(
      transaction((it) => it.put(elsewhere.map<Part>('m'), 'p', { x: 1 })),
      'BAD_OPTION',
      'is in another place',
    )
    await refused(
      transaction((it) => it.put({ name: 'm' } as GridMap<Part>, 'p', { x: 1 })),
      'BAD_OPTION',
      'map is {"name":"m"}',
    )
    assert.is(await durable.store.get('a'), undefined)
    await Promise.all([memory.close(), elsewhere.close()])
    // @ts-expect-error the value is none of this map
    await transaction((it) => it.put(parts, 'p', { y: 1 }))
    await refused(
      // @ts-expect-error no such option
      transaction((it) => it.put(parts, 'p', { x: 1 }, { expect: 3 })),
      'BAD_OPTION',
      'no option "expect"',
    )
  }))

test('maps that merge, keep a part, coalesce or have a deadline take part as in other writes', () =>
  opened(async (durable, parts) => {
    const grid = await openGrid(bounded(durable.backend, { deadlineMs: 5000 }))
    const merged = grid.map<Part>('merged', { merge: 'last-writer-wins' })
    await refused(
      durable.transaction((it) => it.put(merged, 'p', { x: 1 })),
      'UNSUPPORTED',
      'merges blind writes',
    )
    await durable.transaction((it) => it.put(merged, 'p', { x: 1 }, { expectedVersion: 0 }))
    assert.is(merged.peek('p')?.value.x, 1)
    const few = grid.map<Part>('few', { maxEntries: 2 })
    await durable.transaction((it) => it.put(few, 'p', { x: 1 }))
    assert.is(few.peek('p')?.value.x, 1)
    const lazy = grid.map<Part>('lazy', { coalesceWrites: true })
    const first = lazy.put('p', { x: 1 })
    await durable.transaction((it) => it.put(lazy, 'p', { x: 2 }))
    assert.is((await first).value.x, 1)
    assert.is(lazy.peek('p')?.value.x, 2)
    assert.is(parts.size, 0)
    await grid.close()
    // The last grid of the directory was not this one; after all are closed another may be opened.
    const later = await openGrid(durable.backend)
    assert.is(later.map<Part>('lazy').peek('p')?.value.x, 2)
    await later.close()
  }))

test('thousands at once, with single writes of the same rows between them: each is whole, in the order asked for', () =>
  opened(async (durable, parts) => {
    const all: Promise<unknown>[] = []
    for (let n = 1; n <= 1500; n++) {
      all.push(
        durable.transaction((it) => {
          it.commit(`agent-${n % 10}`, Math.floor((n - 1) / 10), ours, bytes(String(n)))
          it.put(parts, `p${n % 10}`, { x: n })
        }),
        parts.put(`single-${n % 7}`, { x: n }),
        durable.store.commit(`single-${n % 7}`, Math.floor((n - 1) / 7), ours, bytes(String(n))),
      )
    }
    await Promise.all(all)
    for (let at = 0; at < 10; at++) {
      const stored = await durable.store.get(`agent-${at}`)
      assert.equal([stored?.rev, Number(Buffer.from(stored?.value ?? []).toString())], [150, parts.peek(`p${at}`)?.value.x], `agent ${at}`)
    }
  }))

test('a misspelt option is refused: it would make a blind write of a guarded one', () =>
  opened(async (durable, parts) => {
    const { version } = await parts.put('p', { x: 1 })
    const misspelt = { expectVersion: version + 1 } as never
    await refused(
      durable.transaction((it) => it.put(parts, 'p', { x: 2 }, misspelt)),
      'BAD_OPTION',
      'put of a transaction has no option "expectVersion"',
    )
    await refused(
      durable.transaction((it) => it.remove(parts, 'p', misspelt)),
      'BAD_OPTION',
      'remove of a transaction has no option "expectVersion"',
    )
    await refused(
      durable.transaction((it) => it.settle('a', ours, Number.NaN)),
      'BAD_OPTION',
      'seq is NaN',
    )
    assert.is(parts.peek('p')?.version, version)
  }))

test('closing the directory closes its maps; what is asked for afterwards is refused', async () => {
  const place = await quickPlace()
  const durable = await openDurable({ path: place.path })
  const grid = await openGrid(durable.backend)
  const parts = grid.map<Part>('parts')
  const pending = durable.transaction((it) => (it.commit('a', 0, ours, bytes('x')), it.put(parts, 'p', { x: 1 })))
  await durable.close()
  assert.equal((await pending).revisions, [1])
  await refused(
    durable.transaction((it) => it.commit('a', 1, ours, bytes('x'))),
    'CLOSED',
  )
  await refused(parts.put('p', { x: 1 }), 'CLOSED')
  await refused(openGrid(durable.backend), 'CLOSED')
  await grid.close()
  await place.done()
})

test.run()
