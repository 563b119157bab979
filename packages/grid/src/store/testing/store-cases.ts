import { deepEqual, equal, ok } from 'node:assert/strict'
import { isStoreError } from '../errors.ts'
import type { Store } from '../store.ts'
import { batchCases } from './batch-cases.ts'
import { bytes, idsOf, ours, refused, theirs, type StoreCase } from './case.ts'

/** The conformance suite of stores, as data. */
export const storeCases: readonly StoreCase[] = [
  {
    name: 'keeps the last revision, by copy both ways',
    async run({ open }) {
      const store = await open()
      const given = Buffer.from([1, 2])
      const done = store.commit('x', 0, ours, given)
      given[0] = 9
      equal(await done, 1)
      const first = await store.get('x')
      deepEqual(first, { rev: 1, fence: ours, value: bytes(1, 2) })
      first?.value.fill(7)
      deepEqual((await store.get('x'))?.value, bytes(1, 2))
      equal(await store.commit('x', 1, ours, bytes(3)), 2)
      deepEqual((await store.get('x'))?.value, bytes(3))
      equal(await store.get('y'), undefined)
    },
  },
  {
    name: 'another revision than expected is refused, and nothing is written',
    async run({ open }) {
      const store = await open()
      await store.commit('x', 0, ours, bytes(1))
      await refused(store.commit('x', 0, ours, bytes(2)), 'STORE_CONFLICT', '"x" is at revision 1, not at 0')
      await refused(store.commit('x', 2, ours, bytes(2)), 'STORE_CONFLICT', '"x" is at revision 1, not at 2')
      await refused(store.commit('y', 1, ours, bytes(2)), 'STORE_CONFLICT', '"y" is at revision 0, not at 1')
      deepEqual(await store.get('x'), { rev: 1, fence: ours, value: bytes(1) })
      equal(await store.get('y'), undefined)
    },
  },
  {
    name: 'an older fence and the same token of another owner are refused in every writing call',
    async run({ open }) {
      const store = await open()
      await store.commit('x', 0, ours, bytes(1), [bytes(8)])
      await store.commit('x', 1, theirs, bytes(2))
      for (const fence of [ours, { owner: 'c', token: 2 }]) {
        const text = `"${fence.owner}" may not write "x" with token ${fence.token}: "b" holds it with token 2`
        await refused(store.commit('x', 2, fence, bytes(3)), 'STORE_FENCED', text)
        await refused(store.settle('x', fence, 1), 'STORE_FENCED', text)
        await refused(store.delete('x', fence), 'STORE_FENCED', text)
      }
      deepEqual(await store.get('x'), { rev: 2, fence: theirs, value: bytes(2) })
      equal((await store.outbox('x')).length, 1)
    },
  },
  {
    name: 'a delete forgets all but the fence',
    async run({ open }) {
      const store = await open()
      for (let rev = 0; rev < 4; rev++) await store.commit('x', rev, theirs, bytes(rev), [bytes(rev)])
      await store.delete('x', theirs)
      deepEqual([await store.get('x'), await store.revisions('x'), await store.outbox('x'), await idsOf(store)], [undefined, [], [], []])
      await refused(store.commit('x', 0, ours, bytes(1)), 'STORE_FENCED')
      equal(await store.commit('x', 0, theirs, bytes(1), [bytes(9)]), 1)
      deepEqual(await store.revisions('x'), [{ rev: 1, fence: theirs, value: bytes(1) }])
      deepEqual(await store.outbox('x'), [{ seq: 5, value: bytes(9) }])
    },
  },
  {
    name: 'the last revisions are kept, newest first',
    async run({ open }) {
      const store = await open()
      for (let rev = 0; rev < 5; rev++) await store.commit('x', rev, { owner: 'a', token: rev }, bytes(rev + 1))
      const kept = [5, 4, 3].map((rev) => ({ rev, fence: { owner: 'a', token: rev - 1 }, value: bytes(rev) }))
      deepEqual(await store.revisions('x'), kept)
      deepEqual(await store.revisions('y'), [])
    },
  },
  {
    name: 'the outbox goes with its commit and stays until it is settled',
    async run({ open }) {
      const store = await open()
      await store.commit('x', 0, ours, bytes(1), [bytes(10), bytes(11)])
      await refused(store.commit('x', 0, ours, bytes(1), [bytes(99)]), 'STORE_CONFLICT')
      await store.commit('x', 1, ours, bytes(2), [bytes(12)])
      const items = [10, 11, 12].map((value, at) => ({ seq: at + 1, value: bytes(value) }))
      deepEqual(await store.outbox('x'), items)
      await store.settle('x', ours, 2)
      deepEqual(await (await open()).outbox('x'), items.slice(2))
      await store.settle('x', theirs, 100)
      deepEqual(await store.outbox('x'), [])
      deepEqual((await store.get('x'))?.value, bytes(2))
      await store.commit('x', 2, theirs, bytes(3), [bytes(13)])
      deepEqual(await store.outbox('x'), [{ seq: 4, value: bytes(13) }])
    },
  },
  {
    name: 'only a whole number settles, and what is refused leaves the outbox as it was',
    async run({ open }) {
      const store = await open()
      await store.commit('x', 0, ours, bytes(1), [bytes(11), bytes(12)])
      for (const seq of [undefined, Number.NaN, 1.5, -1, Infinity, '1']) {
        await refused(store.settle('x', ours, seq as number), 'BAD_OPTION', 'seq is ')
      }
      await store.settle('x', ours, 0)
      await store.commit('x', 1, ours, bytes(2), [bytes(13)])
      deepEqual(
        (await store.outbox('x')).map(({ seq }) => seq),
        [1, 2, 3],
      )
    },
  },
  {
    name: 'a scan goes in order of bytes, from a prefix, after an id, up to a limit',
    async run({ open }) {
      const store = await open()
      const ids = ['a', 'a/1', 'a:2', 'ab', 'b', 'é', '水', '😀', '..', 'a b', '~']
      for (const id of ids) await store.commit(id, 0, ours, Buffer.from(id))
      await store.delete('b', ours)
      const order = ids.filter((id) => id !== 'b').sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      deepEqual(await idsOf(store), order)
      deepEqual(await idsOf(store, { prefix: 'a', limit: 3 }), order.filter((id) => id.startsWith('a')).slice(0, 3))
      deepEqual(await idsOf(store, { prefix: 'a', after: 'a/1' }), ['a:2', 'ab'])
      deepEqual(await idsOf(store, { after: '水' }), ['😀'])
      deepEqual(await idsOf(store, { prefix: 'nothing' }), [])
      for await (const { id, value, rev } of store.scan()) deepEqual([Buffer.from(value).toString(), rev], [id, 1])
    },
  },
  {
    name: 'of many writers of one revision exactly one wins, over two stores',
    async run({ open }) {
      const stores = [await open(), await open()]
      for (let rev = 0; rev < 5; rev++) {
        const results = await Promise.allSettled(
          Array.from({ length: 10 }, (_, at) => (stores[at % 2] as Store).commit('x', rev, ours, bytes(at))),
        )
        const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
        equal(errors.length, 9)
        ok(
          errors.every((error) => isStoreError(error, 'STORE_CONFLICT')),
          String(errors[0]),
        )
        const winner = results.findIndex(({ status }) => status === 'fulfilled')
        for (const store of stores) deepEqual(await store.get('x'), { rev: rev + 1, fence: ours, value: bytes(winner) })
      }
    },
  },
  {
    name: 'commits of one id may be asked for without waiting for each other',
    async run({ open }) {
      const store = await open()
      deepEqual(await Promise.all([0, 1, 2].map((rev) => store.commit('x', rev, ours, bytes(rev)))), [1, 2, 3])
    },
  },
  {
    name: 'a value may be empty, or large',
    async run({ open }) {
      const store = await open()
      const large = new Uint8Array(3_000_000).map((_, at) => at % 251)
      await store.commit('x', 0, ours, bytes())
      deepEqual((await store.get('x'))?.value, bytes())
      await store.commit('x', 1, ours, large)
      ok(Buffer.compare((await store.get('x'))?.value ?? bytes(), large) === 0)
      deepEqual(
        (await store.revisions('x')).map(({ rev }) => rev),
        [2, 1],
      )
    },
  },
  {
    name: 'what cannot be stored is refused, and the value quoted',
    async run({ open }) {
      const store = await open()
      await refused(store.commit('', 0, ours, bytes(1)), 'BAD_ID', 'id is ""')
      await refused(store.commit('a\0b', 0, ours, bytes(1)), 'BAD_ID')
      await refused(store.get('é'.repeat(201)), 'BAD_ID', 'at most 400 bytes')
      await refused(store.commit('x', -1, ours, bytes(1)), 'BAD_OPTION', 'expectedRev is -1')
      await refused(store.commit('x', 0, { owner: '', token: 1 }, bytes(1)), 'BAD_OPTION', 'fence.owner is ""')
      await refused(store.commit('x', 0, { owner: 'a', token: 0.5 }, bytes(1)), 'BAD_OPTION', 'fence.token is 0.5')
      await refused(store.commit('x', 0, ours, 'text' as never), 'BAD_OPTION', 'value is "text"')
      equal(await store.get('x'), undefined)
    },
  },
  {
    name: 'after close every call is refused, and what was stored is there for the next one',
    async run({ open }) {
      const other = await open()
      const store = await open()
      await store.commit('x', 0, ours, bytes(1))
      deepEqual((await other.get('x'))?.value, bytes(1))
      await store.close()
      await store.close()
      await refused(store.get('x'), 'CLOSED')
      await refused(store.commit('x', 1, ours, bytes(2)), 'CLOSED')
      await refused(store.delete('x', ours), 'CLOSED')
    },
  },
  ...batchCases,
]
