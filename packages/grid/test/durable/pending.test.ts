import { createVirtualClock, embedded, openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { createLmdbStore } from '../../src/durable/lmdb-store.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { inPlace } from './places.ts'

const test = suite('writes that wait')
const ours = { owner: 'a', token: 1 }
const bytes = Buffer.from('x')

test('no more than maxPending of a directory wait: further ones are refused, and not begun', () =>
  inPlace(async (path) => {
    await using durable = await openDurable({ path, maxPending: 50 })
    const asked = await Promise.allSettled(Array.from({ length: 80 }, (_, at) => durable.store.commit(`id-${at}`, 0, ours, bytes)))
    const refused = asked.filter((each) => each.status === 'rejected' && isStoreError(each.reason, 'STORE_BUSY'))
    assert.is(refused.length, 30)
    assert.is(asked.filter(({ status }) => status === 'fulfilled').length, 50)
    assert.is(await durable.store.get('id-79'), undefined)
    assert.is(await durable.store.commit('id-79', 0, ours, bytes), 1)
    assert.match((refused[0] as PromiseRejectedResult).reason.message, /50 writes to .* wait; maxPending is 50/)
  }))

test('maps alike, and options that cannot be', () =>
  inPlace(async (path) => {
    await using grid = await openGrid(embedded({ path, maxPending: 20 }))
    const map = grid.map<number>('parts')
    const asked = await Promise.allSettled(Array.from({ length: 30 }, (_, at) => map.put(`p${at}`, at)))
    assert.ok(asked.some((each) => each.status === 'rejected' && isStoreError(each.reason, 'STORE_BUSY')))
    assert.ok(asked.some(({ status }) => status === 'fulfilled'))
    for (const maxPending of [0, -1, 1.5, '9']) assert.throws(() => embedded({ path, maxPending } as never), /maxPending is/)
  }))

test('what was not begun when its time was over is told as not written', () =>
  inPlace(async (path) => {
    const clock = createVirtualClock()
    const environment = await openEnvironment(resolveDurableOptions({ path, timeoutMs: 1000, clock }))
    const stuck = createLmdbStore({ ...environment, submit: () => new Promise(() => undefined), beforeClose: () => undefined })
    const reasons: string[] = []
    const ask = (id: string): Promise<void> =>
      stuck.commit(id, 0, ours, bytes).then(
        () => undefined,
        (error: Error) => void reasons.push(error.message),
      )
    const asked = [ask('first')]
    for (let at = 0; at < 5; at++) await turn()
    asked.push(ask('second'))
    await clock.advance(2000)
    await Promise.all(asked)
    assert.match(reasons[0] ?? '', /took longer than 1000 ms$/)
    assert.match(reasons[1] ?? '', /took longer than 1000 ms to begin, and nothing of it was written/)
    await environment.close()
  }))

test.run()
