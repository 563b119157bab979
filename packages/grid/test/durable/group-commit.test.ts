import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { numbered } from '../../src/durable/store-rows.ts'
import { startChild } from './kill-rounds.ts'
import { inPlace } from './places.ts'

const test = suite('group commit, level process')
const ours = { owner: 'a', token: 1 }

const codeOf = async (promise: Promise<unknown>): Promise<StoreErrorCode | 'done'> => {
  try {
    await promise
    return 'done'
  } catch (error) {
    if (isStoreError(error)) return error.code
    throw error
  }
}

test('commits of one id that do not wait for each other follow each other; one in vain is refused, and the next one stands', () =>
  inPlace(async (path) => {
    await using durable = await openDurable({ path, revisions: 3 })
    const { store } = durable
    const chain = Array.from({ length: 2500 }, (_, rev) => store.commit('x', rev, ours, Buffer.from(String(rev))))
    assert.equal(
      await Promise.all(chain),
      Array.from({ length: 2500 }, (_, at) => at + 1),
    )
    const outcomes = [
      store.commit('x', 2500, ours, Buffer.from('a')),
      store.commit('x', 2500, ours, Buffer.from('b')),
      store.commitAll([{ id: 'y', expectedRev: 0, fence: ours, value: Buffer.from('y') }, { id: 'x', expectedRev: 2501, fence: ours, value: Buffer.from('c') }]), // prettier-ignore
      store.commit('x', 2502, { owner: 'z', token: 0 }, Buffer.from('d')),
      store.commit('y', 1, ours, Buffer.from('y2')),
    ]
    assert.equal(await Promise.all(outcomes.map(codeOf)), ['done', 'STORE_CONFLICT', 'done', 'STORE_FENCED', 'done'])
    const texts = (await store.revisions('x')).map(({ value }) => Buffer.from(value).toString())
    assert.equal([texts, (await store.get('y'))?.rev], [['c', 'a', '2499'], 2])
  }))

test('two that write the same ids at once: each revision is written once, whoever it was', () =>
  inPlace(async (path) => {
    const both = await Promise.all([openDurable({ path }), openDurable({ path })])
    const won = new Map<string, number>()
    const refused = [0, 0]
    await Promise.all(
      both.map(async ({ store }, who) => {
        for (let turn = 0; turn < 60; turn++) {
          await Promise.all(
            Array.from({ length: 20 }, async (_, at) => {
              const id = at < 10 ? `shared-${at}` : `own-${who}-${at}`
              const rev = (await store.get(id))?.rev ?? 0
              const code = await codeOf(store.commit(id, rev, ours, Buffer.from(`${who} ${rev + 1}`)))
              if (code === 'done') won.set(`${id} ${rev + 1}`, (won.get(`${id} ${rev + 1}`) ?? 0) + 1)
              else refused[who] = (refused[who] ?? 0) + (code === 'STORE_CONFLICT' ? 1 : 1000)
            }),
          )
        }
      }),
    )
    assert.ok([...won.values()].every((times) => times === 1))
    for (let at = 0; at < 10; at++) {
      const rev = (await both[0].store.get(`shared-${at}`))?.rev ?? 0
      assert.is([...won.keys()].filter((key) => key.startsWith(`shared-${at} `)).length, rev, 'acknowledged and there')
    }
    assert.ok(refused.every((count) => count < 1000), `${refused.join()}: no other refusal than a conflict`) // prettier-ignore
    assert.is((await both[1].store.get('own-1-15'))?.rev, 60, 'what nobody else writes is never refused')
    for (const each of both) await each.close()
  }))

test('a store as the release before wrote it is read, and its value moves with the next commit', () =>
  inPlace(async (path) => {
    const environment = await openEnvironment(resolveDurableOptions({ path }))
    const { rows } = environment
    const key = Buffer.from('x')
    const old = (fields: readonly unknown[]): Buffer => Object.assign(rows.pack(fields), { 0: 1 })
    await environment.table('meta', true).put(Buffer.from('schema_version'), old([1]), 7)
    await environment.table('heads', true).put(key, old([2, 1, 'a', 0, 1, 1, Buffer.from('two')]), 9)
    await environment.table('revisions', false).put(numbered(key, 1), old([1, 1, 'a', Buffer.from('one')]))
    await environment.close()
    await using durable = await openDurable({ path })
    const texts = async (): Promise<unknown> =>
      (await durable.store.revisions('x')).map(({ rev, value }) => [rev, String(Buffer.from(value))])
    assert.equal(await texts(), [[2, 'two'], [1, 'one']]) // prettier-ignore
    assert.is(await codeOf(durable.store.commit('x', 2, { owner: 'b', token: 0 }, Buffer.from('no'))), 'STORE_FENCED')
    await durable.store.settle('x', ours, 0)
    await durable.store.commit('x', 2, ours, Buffer.from('three'))
    assert.equal(await texts(), [[3, 'three'], [2, 'two'], [1, 'one']]) // prettier-ignore
  }))

test('another process stopped inside a transaction costs a deadline, not the process; killed, it costs nothing', () =>
  inPlace(async (path) => {
    const durable = await openDurable({ path, timeoutMs: 300 })
    await durable.store.commit('x', 0, ours, Buffer.from('1'))
    const child = startChild(fileURLToPath(new URL('hold-child.ts', import.meta.url)), [path])
    const exited = once(child, 'exit')
    try {
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
      const [first, queued] = [durable.store.commit('x', 1, ours, Buffer.from('2')), Promise.resolve().then(() => durable.store.commit('y', 0, ours, Buffer.from('1')))] // prettier-ignore
      assert.equal([await codeOf(first), await codeOf(queued)], ['STORE_TIMEOUT', 'STORE_TIMEOUT'])
      assert.is((await durable.store.get('x'))?.rev, 1, 'reads go on')
    } finally {
      child.kill('SIGKILL')
      await exited
    }
    // Its outcome was unknown: it is made after all, once the lock is free.
    const rev = async (): Promise<number> => (await durable.store.get('x'))?.rev ?? 0
    const code = await codeOf(durable.store.commit('z', 0, ours, Buffer.from('1')))
    assert.equal([code, await rev()], ['done', 2])
    await durable.close()
  }))

test.run()
