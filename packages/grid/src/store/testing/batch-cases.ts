import { deepEqual, equal } from 'node:assert/strict'
import type { CommitOutcome } from '../store.ts'
import { bytes, idsOf, ours, refused, theirs, type StoreCase } from './case.ts'

const said = (outcome: CommitOutcome): number | string => (outcome.ok ? outcome.rev : outcome.error.code)

/** What a store makes of several commits that are asked for together. */
export const batchCases: readonly StoreCase[] = [
  {
    name: 'a batch of one id is all or none',
    async run({ open }) {
      const store = await open()
      const commits = (...revs: number[]) => revs.map((expectedRev) => ({ id: 'x', expectedRev, fence: ours, value: bytes(expectedRev) }))
      deepEqual(await store.commitAll(commits(0, 1, 2)), [1, 2, 3])
      await refused(store.commitAll(commits(3, 4, 9)), 'STORE_CONFLICT', 'at revision 5, not at 9')
      deepEqual((await store.get('x'))?.rev, 3)
      deepEqual(await store.commitAll([]), [])
    },
  },
  {
    name: 'a batch of several ids is all or none, or refused whole where the store says it cannot',
    async run({ open }) {
      const store = await open()
      await store.commit('x', 0, ours, bytes(1))
      const revs = { x: [1], y: [0, 1], z: [0] }
      const batch = (['x', 'y', 'z', 'y'] as const).map((id, at) => {
        return { id, expectedRev: revs[id][at === 3 ? 1 : 0] ?? 0, fence: ours, value: bytes(at) }
      })
      if (store.atomicBatch === 'one-id') {
        await refused(store.commitAll(batch), 'STORE_UNSUPPORTED', 'commitEach')
        deepEqual([await idsOf(store), (await store.get('x'))?.rev], [['x'], 1])
        return
      }
      deepEqual(await store.commitAll(batch), [2, 1, 1, 2])
      const vain = ['x', 'y', 'z'].map((id) => ({ id, expectedRev: id === 'z' ? 7 : 2, fence: ours, value: bytes(9) }))
      await refused(store.commitAll(vain), 'STORE_CONFLICT')
      deepEqual(
        (await Promise.all(['x', 'y', 'z'].map((id) => store.get(id)))).map((record) => record?.value),
        [bytes(0), bytes(3), bytes(2)],
      )
    },
  },
  {
    name: 'commits asked for together are each by itself, in order per id, and what is refused touches no other',
    async run({ open }) {
      const store = await open()
      await store.commit('held', 0, theirs, bytes(1))
      const value = bytes(7)
      const one = (id: string, expectedRev: number, outbox?: readonly Uint8Array[]) => ({
        id,
        expectedRev,
        fence: ours,
        value,
        ...(outbox && { outbox }),
      })
      const many = Array.from({ length: 100 }, (_, at) => one(`many-${at}`, 0))
      const done = store.commitEach([one('x', 0, [bytes(8)]), one('held', 1), one('x', 1), one('', 0), one('x', 1), one('y', 3), ...many])
      value[0] = 9
      const outcomes = await done
      deepEqual(outcomes.slice(0, 6).map(said), [1, 'STORE_FENCED', 2, 'BAD_ID', 'STORE_CONFLICT', 'STORE_CONFLICT'])
      deepEqual(
        outcomes.slice(6).map(said),
        many.map(() => 1),
      )
      deepEqual((await store.revisions('x')).map(({ rev, value: kept }) => [rev, ...kept]), [[2, 7], [1, 7]]) // prettier-ignore
      deepEqual([(await store.outbox('x')).length, (await store.get('held'))?.rev, (await store.get('many-99'))?.value], [1, 1, bytes(7)])
      deepEqual(await store.commitEach([]), [])
      await store.close()
      const [refusedAfter] = await store.commitEach([one('x', 2)])
      equal(refusedAfter && said(refusedAfter), 'CLOSED')
    },
  },
  {
    name: 'where the store has it, many are read as each by itself, in their order, by copy',
    async run({ open }) {
      const store = await open()
      if (store.getAll === undefined) return
      await store.commit('x', 0, ours, bytes(1))
      await store.commit('x', 1, theirs, bytes(2))
      await store.commit('y', 0, ours, bytes(3))
      await store.commit('gone', 0, ours, bytes(4))
      await store.delete('gone', ours)
      const ids = ['y', 'none', 'x', 'gone', 'y']
      const all = await store.getAll(ids)
      deepEqual(all, await Promise.all(ids.map((id) => store.get(id))))
      deepEqual(
        all.map((record) => record && [record.rev, record.fence, ...record.value]),
        [[1, ours, 3], undefined, [2, theirs, 2], undefined, [1, ours, 3]],
      )
      for (const record of all) record?.value.fill(9)
      deepEqual((await store.get('y'))?.value, bytes(3))
      deepEqual(await store.getAll([]), [])
      await refused(store.getAll(['x', '']), 'BAD_ID')
      await store.close()
      await refused(store.getAll(['x']), 'CLOSED')
    },
  },
  {
    name: 'where the store says so, commits of one id may be asked for before the one before has its answer',
    async run({ open }) {
      const [store, other] = [await open(), await open()]
      if (store.ordered !== true) return
      const ask = (of: typeof store, id: string, revs: readonly number[]) =>
        Promise.allSettled(revs.map((expectedRev) => of.commit(id, expectedRev, ours, bytes(expectedRev))))
      const answers = (settled: Awaited<ReturnType<typeof ask>>) =>
        settled.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as { readonly code: unknown }).code))
      deepEqual(answers(await ask(store, 'x', [0, 1, 2, 7, 8, 3])), [1, 2, 3, 'STORE_CONFLICT', 'STORE_CONFLICT', 4])
      // Another process writes as well: the order holds.
      const many = Array.from({ length: 40 }, (_, at) => at)
      const both = await Promise.all([ask(store, 'y', many), ask(other, 'z', many), ask(store, 'x', [4, 5])])
      deepEqual(both.map(answers), [many.map((rev) => rev + 1), many.map((rev) => rev + 1), [5, 6]])
    },
  },
]
