import { openGrid, type Change, type Grid, type GridMap } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'

const test = suite('split brain')
const env = { ...process.env, HAZELCAST_ADDRESSES: undefined }
const lacking = await clusterLacks({ env })
const onCluster = needs(test, `a Hazelcast cluster (${lacking})`, lacking === undefined)
const KEYS = Array.from({ length: 12 }, (_, at) => `k${at}`)

async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 45_000): Promise<void> {
  const endAtMs = performance.now() + ms
  while (!(await holds())) {
    assert.ok(performance.now() < endAtMs, what)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Opened at one member; undefined while that one sees others. */
async function openAlone(cluster: TestCluster, address: string): Promise<Grid | undefined> {
  const grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: [address], deadlineMs: 2000, sweepMs: 60_000 }))
  if (grid.supports.server?.members === 1) return grid
  await grid.close()
  return undefined
}

/** What a watch and the session reads of one process show. */
function follow(map: GridMap<string>) {
  const copy = new Map<string, string>()
  const [told, versions, back] = [[] as string[], new Map<string, number>(), [] as string[]]
  const see = (key: string, version: number, how: string): void => {
    if (version < (versions.get(key) ?? 0)) back.push(`${how} ${key}: ${version} after ${versions.get(key)}`)
    versions.set(key, version)
  }
  map.watch(
    (change: Change<string>) => {
      told.push(change.type === 'resync' ? `resync ${change.reason}` : change.type)
      if (change.type === 'resync') {
        copy.clear()
        for (const { key, value, version } of change.entries.values()) {
          copy.set(key, value)
          see(key, version, 'resync')
        }
      } else if (change.type === 'put') {
        copy.set(change.key, change.entry.value)
        see(change.key, change.entry.version, 'put')
      } else copy.delete(change.key)
    },
    { initial: true },
  )
  const shown = new Map<string, number>()
  const read = async (): Promise<void> => {
    for (const key of KEYS) {
      const version = (await map.get(key, { consistency: 'session' }).catch(() => undefined))?.version
      if (version === undefined) continue
      if (version < (shown.get(key) ?? 0)) back.push(`session ${key}: ${version} after ${shown.get(key)}`)
      shown.set(key, version)
    }
  }
  return { copy, told, back, read, shown }
}

onCluster(
  'two sides write the same keys and meet again: every copy is what the cluster has, told by a resync, and nothing steps back',
  async () => {
    const properties = { 'hazelcast.merge.first.run.delay.seconds': '1', 'hazelcast.merge.next.run.delay.seconds': '1' }
    await using cluster = await startCluster({ env, members: 2, splittable: true, maxSilenceSeconds: 3, properties })
    const [first, second] = cluster.members
    assert.ok(first && second)
    await using before = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 2000 }))
    await before.map<string>('m').putAll(KEYS.map((key) => [key, 'before']))
    await before.close()
    cluster.split([second])
    const grids: Grid[] = []
    for (const { address } of [first, second]) {
      await until('the sides give each other up', async () => {
        const grid = await openAlone(cluster, address)
        if (grid !== undefined) grids.push(grid)
        return grid !== undefined
      })
    }
    const maps = grids.map((grid) => grid.map<string>('m'))
    const [a, b] = maps as [GridMap<string>, GridMap<string>]
    await Promise.all(maps.map((map) => map.caughtUp({ deadlineMs: 20_000 })))
    const sides = maps.map(follow)
    // Whichever side wins, of some keys the other one had the later write.
    for (const [at, key] of KEYS.entries()) {
      const [early, late] = at % 2 === 0 ? [a, b] : [b, a]
      await early.put(key, early === a ? 'a' : 'b')
      await late.put(key, late === a ? 'a' : 'b')
    }
    await a.put('only a', 'a')
    await b.put('only b', 'b')
    for (const map of maps) for (const key of KEYS) await map.get(key, { consistency: 'strong' })
    const told = sides.map((side) => side.told.length)
    cluster.heal()
    const owned = (): Promise<readonly string[]> => {
      return Promise.all(KEYS.map(async (key) => (await a.get(key, { consistency: 'strong' }).catch(() => undefined))?.value ?? 'none'))
    }
    await until('the sides meet', async () => {
      await Promise.all(sides.map(({ read }) => read()))
      return maps.every((map) => map.peek('only a')?.value === 'a' && map.peek('only b')?.value === 'b')
    })
    await until('all are alike', async () => {
      await Promise.all(sides.map(({ read }) => read()))
      const stored = await owned()
      return maps.every((map) => KEYS.every((key, at) => map.peek(key)?.value === stored[at]))
    })
    console.log(
      `the map has ${(await owned()).join(' ')}`,
      sides.map((side, at) => side.told.slice(told[at])),
    )
    assert.equal(new Set(await owned()).size, 1, 'one side has won')
    for (const [at, side] of sides.entries()) {
      assert.equal(side.back, [])
      assert.equal(
        Object.fromEntries(side.copy),
        Object.fromEntries(Array.from((maps[at] as GridMap<string>).entries(), ({ key, value }) => [key, value])),
      )
    }
    const winner = (await owned())[0] === 'a' ? 0 : 1
    const loser = sides[1 - winner]
    assert.ok(
      loser?.told.slice(told[1 - winner]).some((what) => what.startsWith('resync')),
      'the side that lost was told',
    )
    await Promise.all(grids.map((grid) => grid.close()))
  },
)

test.run()
