import { isGridError, openGrid, systemClock, type Grid, type GridMap } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import type { Client, IMap } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { packFrame, readFrame } from '../../src/hazelcast/frame.ts'
import { createRandom } from '../random.ts'
import { plainClient } from './plain-client.ts'

const test = suite('hazelcast: others on the cluster')
const lacks = await clusterLacks()
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
let cluster: TestCluster
let client: Client
const opened: Grid[] = []

if (lacks === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 2 })
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

// Deadlines are tested elsewhere: a busy machine must not be mistaken for a fault.
async function open<V>(name: string, count = 2): Promise<{ maps: GridMap<V>[]; raw: IMap<string, unknown> }> {
  const options = { clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000, connectTimeoutMs: 20_000 }
  const grids = await Promise.all(Array.from({ length: count }, () => openGrid(hazelcast(options))))
  opened.push(...grids)
  const maps = grids.map((grid) => grid.map<V>(name))
  await Promise.all(maps.map((map) => map.caughtUp({ deadlineMs: 20_000 })))
  return { maps, raw: await client.getMap(name) }
}

/** A process that holds nothing of the map, and hears of nothing. */
async function openUnheld<V>(name: string): Promise<GridMap<V>> {
  const grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 }))
  opened.push(grid)
  return grid.map<V>(name, { interest: 'none' })
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const endAtMs = performance.now() + 20_000
  while (!holds()) {
    assert.ok(performance.now() < endAtMs, what)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

onCluster('processes that write the same keys blindly end with the same entry: the one the owner committed last', async () => {
  const { maps, raw } = await open<string>('blind', 3)
  const unheld = await openUnheld<string>('blind')
  const random = createRandom(11)
  const orders: string[][] = maps.map(() => [])
  for (const [at, map] of maps.entries()) {
    const last = new Map<string, number>()
    map.watch((change) => {
      if (change.type !== 'put') return
      if ((last.get(change.key) ?? 0) >= change.entry.version) orders[at]?.push(`${change.key} ${change.entry.version}`)
      last.set(change.key, change.entry.version)
    })
  }
  for (let round = 0; round < 60; round++) {
    const writes = [...maps, unheld].flatMap((map, at) =>
      [0, 1, 2].map((n) => map.put(`k${Math.floor(random() * 3)}`, `${round}.${at}.${n}`)),
    )
    await Promise.all(writes)
  }
  for (const key of ['k0', 'k1', 'k2']) {
    // A busy process may have read the map meanwhile: then what was committed over a later version gets its own yet.
    const endAtMs = performance.now() + 20_000
    for (;;) {
      const owners = await maps[0]?.get(key, { consistency: 'strong' })
      const version = readFrame(await raw.get(key))?.version
      const copies = maps.map((map) => [map.peek(key)?.value, map.peek(key)?.version])
      if (version === owners?.version && copies.every(([, held]) => held === version)) {
        for (const copy of copies) assert.equal(copy, [owners?.value, version])
        break
      }
      assert.ok(performance.now() < endAtMs, `${key}: the owner has ${owners?.version}, the copies ${copies.join(' ')}`)
    }
  }
  assert.equal(orders, [[], [], []], 'versions never go back')
})

onCluster('a key that is no string is left alone, also by who holds a part of the map by its keys', async () => {
  const raw = await client.getMap<string | number, number>('foreign-keys')
  const openPart = async (): Promise<GridMap<number>> => {
    const grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 }))
    opened.push(grid)
    return grid.map<number>('foreign-keys', { interest: { prefix: 'p.' } })
  }
  const before = await openPart()
  await before.put('p.1', 1)
  await raw.set(5, 5)
  await before.put('p.2', 2)
  await before.caughtUp()
  assert.equal([...before.entries()].map(({ key }) => key).sort(), ['p.1', 'p.2'])
  // It stands there already.
  const after = await openPart()
  await after.caughtUp()
  assert.is(after.size, 2)
  await after.clear()
  await after.caughtUp()
  assert.equal([after.size, await raw.size() > 0, await raw.get(5)], [0, true, 5]) // prettier-ignore
})

onCluster('bytes that no grid wrote are left alone, and said to be what they are', async () => {
  const { maps, raw } = await open<number>('foreign')
  const [map, other] = maps as [GridMap<number>, GridMap<number>]
  await map.put('good', 1)
  for (const [key, value] of [
    ['text', 'hello'],
    ['json', { x: 1 }],
    ['bytes', Buffer.from([1, 2, 3])],
    [
      'cut',
      packFrame({ kind: 'put', version: 5, session: 's', number: 1, stampMs: 0, ttlMs: undefined, unheard: false, bytes: Buffer.alloc(0) }),
    ],
  ] as const) {
    // prettier-ignore
    await raw.set(key, value)
    await Promise.all(maps.map((one) => one.caughtUp()))
    for (const one of maps) {
      await until(`${key} is noticed`, () => {
        try {
          return one.peek(key) !== undefined
        } catch (error) {
          return isGridError(error, 'BAD_ENVELOPE')
        }
      })
    }
    for (const write of [
      () => map.put(key, 2),
      () => map.compareAndSet(key, 0, 2),
      () => other.update(key, () => 3),
      () => map.remove(key),
    ]) {
      try {
        await write()
        assert.unreachable(key)
      } catch (error) {
        assert.ok(isGridError(error, 'BAD_ENVELOPE'), `${key}: ${String(error)}`)
      }
    }
    await raw.delete(key)
    await until(`${key} is gone`, () => {
      try {
        return maps.every((one) => one.peek(key) === undefined)
      } catch {
        return false
      }
    })
    await map.put(key, 4)
    assert.is(map.peek(key)?.value, 4)
  }
  assert.equal(
    maps.map((one) => one.peek('good')?.value),
    [1, 1],
  )
})

onCluster('what is deleted or cleared behind the grid is gone in every copy', async () => {
  const { maps, raw } = await open<number>('cleared')
  const [map] = maps as [GridMap<number>]
  await map.putAll([['a', 1], ['b', 2], ['c', 3]]) // prettier-ignore
  await Promise.all(maps.map((one) => one.caughtUp()))
  await raw.delete('a')
  await until('a is gone', () => maps.every((one) => one.peek('a') === undefined))
  await raw.clear()
  await until('all are gone', () => maps.every((one) => one.size === 0))
  assert.is((await map.compareAndSet('a', 0, 4)).ok, true)
})

onCluster('a value that goes back, as by a merge, gets a version above all that a session was shown', async () => {
  const { maps, raw } = await open<string>('back')
  const [map, other] = maps as [GridMap<string>, GridMap<string>]
  // Of this one the key is no interest: it is told of changes, and asks the owner.
  const options = { clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 }
  const third = await openGrid(hazelcast(options))
  opened.push(third)
  const reader = third.map<string>('back', { interest: { prefix: 'x' } })
  await reader.caughtUp({ deadlineMs: 20_000 })
  await map.put('k', 'old')
  const old = await raw.get('k')
  await other.put('k', 'new')
  const shown = await reader.get('k', { consistency: 'session' })
  assert.is(shown?.value, 'new')
  await other.caughtUp({ deadlineMs: 20_000 })
  // Who wrote it is gone, and does not look after it any more. Until all have heard of that, they take it for a write that came twice.
  await opened[0]?.close()
  const endAtMs = performance.now() + 20_000
  let after = shown
  do {
    await raw.set('k', old)
    after = await reader.get('k', { consistency: 'session' })
  } while (after?.value !== 'old' && performance.now() < endAtMs)
  assert.is(after?.value, 'old')
  assert.ok((after?.version ?? 0) > (shown?.version ?? Infinity), `${after?.version} after ${shown?.version}`)
  await until('the copy of the other follows', () => other.peek('k')?.value === 'old')
})

onCluster('each put tells what it replaced, also where many go in one message', async () => {
  const { maps, raw } = await open<number>('replaced', 1)
  const [map] = maps as [GridMap<number>]
  const stored = new Map<string, number | undefined>()
  const wrong: string[] = []
  let told = 0
  const hear = ({ key, value, oldValue }: { key: string; value: unknown; oldValue: unknown }): void => {
    told++
    if (readFrame(oldValue)?.version !== stored.get(key)) wrong.push(`${key}: ${readFrame(oldValue)?.version}, not ${stored.get(key)}`)
    stored.set(key, readFrame(value)?.version)
  }
  await raw.addEntryListener({ added: hear, updated: hear }, undefined, true)
  const keys = Array.from({ length: 500 }, (_, at) => `k${at}`)
  for (let round = 0; round < 3; round++) await Promise.all([...keys, ...keys].map((key, at) => map.put(key, at)))
  await until('all are told', () => told === 6 * keys.length)
  assert.equal(wrong.slice(0, 3), [])
})

onCluster('a listener whose registration was lost is noticed, and registered anew', async () => {
  const imaps = Object.getPrototypeOf(await client.getMap('any')) as IMap<string, Buffer>
  const add = imaps.addEntryListener
  const registered: (readonly [IMap<string, Buffer>, string])[] = []
  imaps.addEntryListener = async function (this: IMap<string, Buffer>, ...rest) {
    const id = await add.apply(this, rest)
    if (this.getName() === 'deaf') registered.push([this, id])
    return id
  }
  try {
    const { maps } = await open<number>('deaf')
    const [map, other] = maps as [GridMap<number>, GridMap<number>]
    const told: string[] = []
    await map.put('k', 0)
    await other.caughtUp({ deadlineMs: 20_000 })
    other.watch((change) => told.push(change.type === 'resync' ? `resync ${change.entries.get('k')?.value}` : change.type))
    await Promise.all(registered.map(([imap, id]) => imap.removeEntryListener(id)))
    const untilMs = performance.now() + 20_000
    // Each put is in this copy when it ends: here by a read.
    for (let n = 1; registered.length < 4 && performance.now() < untilMs; n++) await map.put('k', n).catch(() => {})
    assert.is(registered.length, 4, 'both are registered anew')
    await map.put('k', 1000)
    await Promise.all(maps.map((one) => one.caughtUp({ deadlineMs: 20_000 })))
    await until('the copies are right', () => maps.every((one) => one.peek('k')?.value === 1000))
    assert.ok(told.some((what) => what.startsWith('resync')), told.join()) // prettier-ignore
    const before = told.length
    for (const value of [1001, 1002, 1003]) await map.put('k', value)
    await until('the watcher is told', () => other.peek('k')?.value === 1003)
    assert.ok(told.slice(before).filter((what) => what === 'put').length >= 3, told.slice(before).join())
  } finally {
    imaps.addEntryListener = add
  }
})

onCluster('a remove leaves a mark, and the mark is no entry', async () => {
  const { maps, raw } = await open<number>('marks')
  const [map, other] = maps as [GridMap<number>, GridMap<number>]
  const { version } = await map.put('k', 1)
  await map.remove('k')
  assert.is(readFrame(await raw.get('k'))?.kind, 'remove')
  const { maps: [late] } = await open<number>('marks', 1) // prettier-ignore
  assert.equal([late?.size, await late?.get('k', { consistency: 'strong' })], [0, undefined])
  const again = await other.compareAndSet('k', 0, 2)
  assert.ok(again.ok && again.entry.version > version)
})

onCluster('500 ms are never less, and the last write stands, between processes whose wall clocks are 70 s apart', async () => {
  const options = { clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 }
  const system = systemClock()
  const clocks = [system, { ...system, wallNow: () => system.wallNow() + 70_000 }]
  const grids = await Promise.all(clocks.map((clock) => openGrid(hazelcast(options), { clock })))
  opened.push(...grids)
  const maps = grids.map((grid) => grid.map<number>('clocks'))
  await Promise.all(maps.map((map) => map.caughtUp({ deadlineMs: 20_000 })))
  const [map, ahead] = maps as [GridMap<number>, GridMap<number>]
  const unheld = await openUnheld<number>('clocks')
  const lived: number[] = []
  for (const [at, writer] of maps.entries()) {
    const key = `ttl${at}`
    const begunAtMs = performance.now()
    for (const each of maps) each.watch(({ type }) => type === 'expire' && lived.push(performance.now() - begunAtMs), { key })
    const { version } = await writer.put(key, 1, { ttlMs: 400 })
    const swapped = await writer.compareAndSet(key, version, 2, { ttlMs: 500 })
    assert.ok(swapped.ok)
  }
  await until('all have ended', () => lived.length === 4)
  assert.ok(Math.min(...lived) >= 500, lived.join())
  for (const [first, second] of [
    [ahead, map],
    [map, ahead],
    // It does not hear that its version is the lower one: those who hold the map see to its place.
    [ahead, unheld],
  ] as const) {
    await first.put('k', 1)
    await second.put('k', 2)
    await Promise.all(maps.map((each) => each.caughtUp({ deadlineMs: 20_000 })))
    assert.equal(maps.map((each) => each.peek('k')?.value), [2, 2]) // prettier-ignore
    await first.remove('k')
    await second.put('k', 3)
    await Promise.all(maps.map((each) => each.caughtUp({ deadlineMs: 20_000 })))
    assert.equal(maps.map((each) => each.peek('k')?.value), [3, 3]) // prettier-ignore
  }
})

onCluster('a member joins, another is killed: every gap ends in a resync, and no key stays wrong', async () => {
  const { maps } = await open<number>('members')
  const [map, other] = maps as [GridMap<number>, GridMap<number>]
  const copy = new Map<string, number>()
  let resyncs = 0
  other.watch((change) => {
    if (change.type === 'resync') {
      resyncs++
      copy.clear()
      for (const { key, value } of change.entries.values()) copy.set(key, value)
    } else if (change.type === 'put') copy.set(change.key, change.entry.value)
    else copy.delete(change.key)
  })
  let stop = false
  const write = async (): Promise<void> => {
    for (let n = 0; !stop; n++) {
      await Promise.allSettled([map.put(`once${n}`, n), map.put(`k${n % 10}`, n), other.put(`o${n % 10}`, n)])
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const writing = write()
  const joined = await cluster.join()
  await joined.kill()
  stop = true
  await writing
  await until('a resync', () => resyncs > 0)
  await Promise.all(maps.map((one) => one.caughtUp({ deadlineMs: 20_000 })))
  await until('all are alike', () => {
    const all = [...map.entries()]
    return all.length === other.size && all.every(({ key, version }) => other.peek(key)?.version === version)
  })
  await until(
    'the watcher has what the copy has',
    () => copy.size === other.size && [...copy].every(([key, value]) => other.peek(key)?.value === value),
  )
  for (const { key } of [...other.entries()].slice(0, 50)) {
    // A write whose answer was lost may still be made again, and then be told.
    const owned = (await map.get(key, { consistency: 'strong' }))?.version ?? 0
    await until(`${key} is what the owner has`, () => maps.every((one) => (one.peek(key)?.version ?? 0) >= owned))
  }
})

test.run()
