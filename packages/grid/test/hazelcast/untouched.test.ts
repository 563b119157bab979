import { isGridError, openGrid, type Grid, type GridMap, type MapOptions } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import type { Client } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { plainClient } from './plain-client.ts'

const test = suite('hazelcast: what must be left untouched')
const lacks = await clusterLacks()
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
let cluster: TestCluster
let client: Client
const opened: Grid[] = []

if (lacks === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 1 })
    client = await plainClient(cluster)
  })
  test.after.each(async () => {
    await Promise.all(opened.splice(0).map((grid) => grid.close()))
  })
  test.after(async () => {
    await client.shutdown()
    await cluster.stop()
  })
}

async function open<V>(name: string, options?: MapOptions<V>): Promise<GridMap<V>> {
  const grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 }))
  opened.push(grid)
  return grid.map<V>(name, options)
}

onCluster('they are left alone also by who does not hold their keys, once anybody who does has seen them', async () => {
  const map = await open<number>('foreign-unheld')
  await map.caughtUp({ deadlineMs: 20_000 })
  const raw = await client.getMap<string, string>('foreign-unheld')
  const openPart = (options: MapOptions<number>): Promise<GridMap<number>> => open('foreign-unheld', options)
  const before = [await openPart({ interest: 'none' }), await openPart({ maxEntries: 2 })]
  for (const part of before) await part.put('k', 1)
  await raw.set('k', 'hello')
  const beats = await client.getMap<string, string>('stigmergy.beats')
  while ((await beats.get('mark of foreign-unheld: Infinity')) === null) await new Promise((resolve) => setImmediate(resolve))
  const after = [await openPart({ interest: 'none' }), await openPart({ interest: { prefix: 'p.' } })]
  // Whoever was there hears of it within some beats: until then it goes over what it is shown.
  for (const part of before) {
    for (let refused = false; !refused;) {
      await raw.set('probe', 'hello')
      refused = await part.put('probe', 2).then(() => false, (error: unknown) => isGridError(error, 'BAD_ENVELOPE')) // prettier-ignore
    }
  }
  for (const part of [...before, ...after]) {
    for (const write of [
      () => part.put('k', 2),
      () => part.put('k', 2, { ttlMs: 500 }),
      () => part.putAll([['k', 2]]),
      () => part.remove('k'),
    ]) {
      try {
        await write()
        assert.unreachable()
      } catch (error) {
        assert.ok(isGridError(error, 'BAD_ENVELOPE'), String(error))
      }
    }
    await part.put('good', 3)
  }
  assert.is(await raw.get('k'), 'hello')
  assert.is((await map.get('good', { consistency: 'strong' }))?.value, 3)
})

onCluster(
  'values of a newer schema are left alone by who connects later and writes without looking, though their writer is gone',
  async () => {
    const young = await open<string>('schemas', { schemaVersion: 3, interest: 'none' })
    await young.put('k', 'new')
    await opened.pop()?.close()
    const old = await open<string>('schemas', { interest: 'none' })
    for (const write of [() => old.put('k', 'old'), () => old.remove('k'), () => old.clear()]) {
      try {
        await write()
        assert.unreachable()
      } catch (error) {
        assert.ok(isGridError(error, 'NEWER_SCHEMA'), String(error))
      }
    }
    const raw = await client.getMap<string, Buffer>('schemas')
    assert.match(String(await raw.get('k')), /new$/)
    await raw.delete('k')
    assert.is((await old.put('k', 'old')).value, 'old')
  },
)

onCluster('maps and topics named as what every object has work as others do', async () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    const [map, unheld] = [await open<number>(name), await open<number>(name, { interest: 'none' })]
    await map.put('k', 1)
    await unheld.put('l', 2)
    await map.caughtUp()
    assert.equal([map.peek('l')?.value, (await unheld.get('k'))?.value], [2, 1], name)
    const topic = opened[0]?.topic<number>(name)
    const received: number[] = []
    topic?.subscribe(({ value }) => void received.push(value))
    await topic?.listening()
    await topic?.publish(3)
    while (received.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await Promise.all(opened.splice(0).map((grid) => grid.close()))
  }
})

test.run()
