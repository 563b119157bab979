import { openGrid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { clusterLacks, startCluster } from '@stigmergy/grid/testing'
import type { IMap } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { Batches } from '../../src/hazelcast/batches.ts'
import { WIRE_HEAD, type Wire } from '../../src/hazelcast/wire.ts'

const test = suite('hazelcast: puts in batches')
const lacks = await clusterLacks()
const onCluster = needs(test, lacks ?? 'a cluster', lacks === undefined)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** An owner that is played: it notes the messages, and answers when it is told to. A key's partition is its first letter. */
function open({ maxBytes = 100, depth = 1 } = {}) {
  const messages: string[] = []
  const answers: ((error?: Error) => void)[] = []
  const receive = (message: string): Promise<void> => {
    messages.push(message)
    return new Promise((resolve, reject) => {
      answers.push((error) => (error === undefined ? resolve() : reject(error)))
    })
  }
  const imap = {
    set: (key: string, stored: Buffer) => receive(`set ${key}=${String(stored)}`),
    putAll: (all: [string, Buffer][]) => receive(`putAll ${all.map(([key, stored]) => `${key}=${String(stored)}`).join(' ')}`),
  } as unknown as IMap<string, Buffer>
  const asked: string[] = []
  const partitionOf = (wired: unknown): number => {
    asked.push(String(wired))
    return String(wired).charCodeAt(0)
  }
  const wire = (): Wire => ({ key: (key) => key, value: (packed) => packed.subarray(WIRE_HEAD) })
  const deferred: (() => void)[] = []
  const batches = new Batches({ partitionOf, wire, defer: (run) => deferred.push(run), maxBytes: maxBytes + 2 * WIRE_HEAD, depth })
  const ended: string[] = []
  const put = (key: string, value: string, to = imap): void => {
    const [made, failed] = [() => ended.push(`${key}=${value}`), (error: unknown) => ended.push(`${key}=${value}: ${String(error)}`)]
    batches.set(to, { key, packed: Buffer.from(' '.repeat(WIRE_HEAD) + value), wired: undefined, made, failed })
  }
  const endTurn = async (): Promise<void> => {
    for (const run of deferred.splice(0)) run()
    await turn()
  }
  const answer = async (error?: Error): Promise<void> => {
    answers.shift()?.(error)
    await turn()
  }
  return { batches, put, endTurn, answer, messages, ended, asked, imap }
}

test('what is put in one turn goes in one message for each partition, and a key keeps its order', async () => {
  const { put, endTurn, answer, messages, ended } = open()
  for (const [key, value] of [['a1', '1'], ['b1', '2'], ['a2', '3'], ['a1', '4']] as const) put(key, value) // prettier-ignore
  assert.equal(messages, [], 'the turn is not over')
  await endTurn()
  assert.equal(messages, ['putAll a1=1 a2=3 a1=4', 'set b1=2'])
  assert.equal(ended, [])
  await answer()
  assert.equal(ended, ['a1=1', 'a2=3', 'a1=4'], 'the other partition has not answered')
  await answer()
  assert.is(ended.at(-1), 'b1=2')
})

test('while a message is under way for a partition, its puts wait and go together', async () => {
  const { put, endTurn, answer, messages, ended } = open()
  put('a1', '1')
  await endTurn()
  put('a1', '2')
  await endTurn()
  put('a2', '3')
  put('b1', '4')
  await endTurn()
  assert.equal(messages, ['set a1=1', 'set b1=4'])
  await answer()
  put('a3', '5')
  await endTurn()
  assert.equal(messages.slice(2), ['putAll a1=2 a2=3 a3=5'])
  await answer()
  await answer()
  assert.equal(ended, ['a1=1', 'b1=4', 'a1=2', 'a2=3', 'a3=5'])
})

test('so many messages of a partition are under way, and no more', async () => {
  const { put, endTurn, answer, messages } = open({ depth: 2 })
  for (const value of ['1', '2', '3', '4']) {
    put('a', value)
    await endTurn()
  }
  assert.equal(messages, ['set a=1', 'set a=2'])
  await answer()
  await endTurn()
  assert.equal(messages.slice(2), ['putAll a=3 a=4'])
})

test('a message is no larger than it may be, but for a single value', async () => {
  const { put, endTurn, answer, messages } = open({ maxBytes: 4 })
  for (const value of ['12', '34', '56', '7890123', '4']) put('a', value)
  await endTurn()
  for (let more = 0; more < 3; more++) {
    await answer()
    await endTurn()
  }
  assert.equal(messages, ['putAll a=12 a=34', 'set a=56', 'set a=7890123', 'set a=4'])
})

test('a message that fails fails each of its puts, and what waited goes on', async () => {
  const { put, endTurn, answer, messages, ended } = open()
  put('a1', '1')
  put('a2', '2')
  await endTurn()
  put('a1', '3')
  await answer(new Error('lost'))
  assert.equal(ended, ['a1=1: Error: lost', 'a2=2: Error: lost'])
  await endTurn()
  await answer()
  assert.equal([messages.at(-1), ended.at(-1)], ['set a1=3', 'a1=3'])
})

test('what waits for a key can be sent at once, so that another kind of write comes after it', async () => {
  const { batches, put, endTurn, messages } = open()
  put('a1', '1')
  await endTurn()
  for (const [key, value] of [['a1', '2'], ['b1', '3'], ['a2', '4']] as const) put(key, value) // prettier-ignore
  batches.flush('a3')
  assert.equal(messages, ['set a1=1', 'putAll a1=2 a2=4'])
  batches.flush('a3')
  await endTurn()
  assert.equal(messages.slice(2), ['set b1=3'])
})

test('a new connection is used from then on, and a key is looked up once for each', async () => {
  const { put, endTurn, answer, messages, asked, imap } = open()
  put('a', '1')
  await endTurn()
  await answer()
  put('a', '2')
  assert.equal(asked, ['a'])
  const other: string[] = []
  put('a', '3', { ...imap, putAll: async (all: unknown[]) => void other.push(`putAll of ${all.length}`) } as unknown as IMap<
    string,
    Buffer
  >)
  await endTurn()
  assert.equal([messages, other, asked], [['set a=1'], ['putAll of 2'], ['a', 'a']])
})

onCluster('a burst of writes of all kinds: every process sees each key change in the order of the calls', async () => {
  await using cluster = await startCluster({ members: 1 })
  const backend = hazelcast({ clusterName: cluster.clusterName, members: cluster.addresses, deadlineMs: 20_000 })
  await using writer = await openGrid(backend)
  await using reader = await openGrid(backend)
  const [map, other] = [writer.map<number>('m'), reader.map<number>('m')]
  await Promise.all([map.caughtUp(), other.caughtUp()])
  const told = new Map<string, number[]>()
  for (const [name, one] of [
    ['here', map],
    ['there', other],
  ] as const) {
    one.watch((change) => {
      assert.is(change.type, 'put')
      if (change.type !== 'put') return
      const key = `${name} ${change.key}`
      told.set(key, [...(told.get(key) ?? []), change.entry.value])
    })
  }
  const keys = Array.from({ length: 40 }, (_, at) => `k${at}`)
  const writes: Promise<unknown>[] = []
  for (let n = 1; n <= 20; n++) {
    for (const key of keys) {
      // With a time to live, and by looking first: neither goes in a batch, and both keep their place among those that do.
      if (n % 10 === 5) writes.push(map.put(key, n, { ttlMs: 60_000 }))
      else if (n % 10 === 8) writes.push(map.put(key, n, { consistency: 'strong' }))
      else writes.push(map.put(key, n))
    }
  }
  await Promise.all(writes)
  await other.caughtUp({ deadlineMs: 20_000 })
  const all = Array.from({ length: 20 }, (_, at) => at + 1)
  for (const key of keys) {
    for (const name of ['here', 'there']) assert.equal(told.get(`${name} ${key}`), all, `${name} ${key}`)
    assert.is(other.peek(key)?.version, map.peek(key)?.version)
  }
})

test.run()
