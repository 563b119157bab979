import { openGrid, type Grid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster, type TestCluster } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../test/runner/needs.ts'
import { run } from './kit.ts'

const test = suite('stigmergy grid on Hazelcast')
const lacks = await clusterLacks()
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
let cluster: TestCluster | undefined
let grid: Grid | undefined

if (lacks === undefined) {
  test.before(async () => {
    cluster = await startCluster({ members: 1, heap: '192m' })
    grid = await openGrid(hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 5000 }), { id: 'host-1' })
    const parts = grid.map<{ x: number }>('parts', { ttlMs: 600_000 })
    for (const [at, key] of ['p1', 'p2', 'p3'].entries()) await parts.put(key, { x: at + 0.5 })
    await parts.remove('p3')
  })
  test.after(async () => {
    await grid?.close()
    await cluster?.stop()
  })
}

const place = (): string => `hazelcast://${cluster?.addresses[0]}/${cluster?.clusterName}`
const look = (...args: string[]): ReturnType<typeof run> => run(['grid', ...args])

onCluster('inspect, get and verify show the maps of a live grid', async () => {
  const inspected = await look('inspect', place())
  assert.is(inspected.code, 0, inspected.err.join())
  assert.match(inspected.out[0] ?? '', /^hazelcast:\/\/.*: hazelcast 5\.\d+\.\d+, 1 member, without CP$/)
  // The mark of the removed one stands there for a minute.
  assert.match(inspected.out.join('\n'), /^maps: 1\n {2}name +entries\n {2}parts +3$/m)
  const found = JSON.parse((await look('inspect', place(), '--json')).out[0] ?? '') as Record<string, unknown>
  assert.equal([found['maps'], found['bytes'], found['journals']], [{ parts: 3 }, null, []])
  const { out } = await look('get', place(), 'p2', '--map', 'parts')
  assert.match(out[0] ?? '', /^parts p2 version \d+, by host-1, \d+ bytes$/)
  assert.is(out[1], '  {"x":1.5}')
  const entry = JSON.parse((await look('get', place(), 'p2', '--map', 'parts', '--json')).out[0] ?? '') as Record<string, unknown>
  assert.equal([entry['ttlMs'], entry['value']], [600_000, { x: 1.5 }])
  assert.equal((await look('verify', place())).out, [
    'read 0 records, 2 entries of maps, 0 records of journals, 0 blobs, 0 tags',
    'all is well',
  ])
})

onCluster('tail shows the newest changes of a map in order, and follows it until it is interrupted', async () => {
  const { out } = await look('tail', place(), 'parts', '--last', '2')
  assert.match(out.join('\n'), /^\d+ put p2 host-1 {2}\{"x":1\.5\}\n\d+ remove p3$/)
  const parts = grid?.map<{ x: number }>('parts')
  let last = ''
  const following = await run(['grid', 'tail', place(), 'parts', '--follow', '--json'], (line, abort) => {
    const { type, key, value } = JSON.parse(line) as { type: string; key: string; value?: { x: number } }
    last = `${type} ${key} ${value?.x}`
    // What comes after the newest there were is heard as it is written.
    if (type === 'remove' && key === 'p3') void parts?.put('p4', { x: 9 }).then(() => parts.remove('p4'))
    if (type === 'remove' && key === 'p4') abort.abort()
  })
  assert.equal([following.code, following.out.length, last], [130, 5, 'remove p4 undefined'])
})

onCluster('what no grid has stored is named as damaged, and hides nothing else', async () => {
  const client = await Client.newHazelcastClient({
    clusterName: cluster?.clusterName ?? '',
    network: { clusterMembers: [...(cluster?.addresses ?? [])] },
    customLogger: { log() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} },
  })
  const foreign = await client.getMap<string, string>('foreign')
  await foreign.set('k', 'text')
  const verified = await look('verify', place())
  assert.equal([verified.code, verified.out[1], verified.out.at(-1)], [1, 'DAMAGED k of map foreign: "k" of map "foreign": it was not stored by a grid, or is damaged', '1 damaged']) // prettier-ignore
  assert.match(verified.out[0] ?? '', /, 2 entries of maps,/)
  assert.match((await look('tail', place(), 'foreign')).out[0] ?? '', /^k UNREADABLE: it was not stored by a grid/)
  await foreign.destroy()
  await client.shutdown()
})

onCluster('a wrong name, a closed port, a hung member and what a cluster does not hold: one line, exit code 2, in time', async () => {
  const [address = ''] = cluster?.addresses ?? []
  const name = cluster?.clusterName ?? ''
  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['inspect', `hazelcast://${address}/other`],
      /^cannot connect to cluster "other" at .*: the cluster that answers there has another name$/,
    ],
    [['inspect', `hazelcast://127.0.0.1:1/${name}`], /: nobody listens there$/],
    [['inspect', 'hazelcast:///dev'], /names no member: give hazelcast:\/\/HOST:PORT\/CLUSTER$/],
    [['inspect', 'hazelcast://127.0.0.1:99999/dev'], /^a member is "127\.0\.0\.1:99999": give an address/],
    [['get', place(), 'p9', '--map', 'parts'], /^map "parts" has no key "p9"$/],
    [['get', place(), 'p3', '--map', 'parts'], /^map "parts" has no key "p3"$/],
    [['get', place(), 'p1', '--map', 'part'], /^there is no map "part"; there are "parts"$/],
    [['get', place(), 'p1'], /^there is no record "p1": see what there is with inspect$/],
    [['get', place(), 'policy', '--blob'], /^there is no blob "policy": a cluster holds maps/],
    [['get', place(), '1', '--journal', 'decisions'], /^there is no journal "decisions"; there is none$/],
    [['tail', place(), 'part'], /^there is no map "part"; there are "parts"$/],
    [['tail', place(), 'parts', '--from', '3'], /^--from is for journals/],
  ]
  for (const [args, line] of refusals) {
    const beganMs = performance.now()
    const { code, out, err } = await look(...args)
    assert.equal([code, out, err.length], [2, [], 1], `${args.join(' ')}: ${err.join()}`)
    assert.match(err[0] ?? '', line)
    assert.ok(performance.now() - beganMs < 10_000, args.join(' '))
  }
  await grid?.close()
  cluster?.members[0]?.pause()
  const hung = await look('inspect', place())
  // Continued, it would answer the client that was given up, and leave it alone when the cluster stops: that client waits two minutes.
  await cluster?.members[0]?.kill()
  assert.equal([hung.code, hung.err.length], [2, 1])
  assert.match(hung.err[0] ?? '', /^cannot connect to cluster/)
})

test.run()
