import { createVirtualClock, isGridError, type DriverPut } from '@stigmergy/grid'
import type { Client, IMap } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packFrame, readFrame } from '../../src/hazelcast/frame.ts'
import { Garbage } from '../../src/hazelcast/garbage.ts'
import { Guard } from '../../src/hazelcast/guard.ts'
import { Marks } from '../../src/hazelcast/marks.ts'
import type { OwnCopy } from '../../src/hazelcast/own-copy.ts'
import { OwnWrites } from '../../src/hazelcast/own-writes.ts'
import { Writes } from '../../src/hazelcast/writes.ts'
import type { Codec, Envelope } from '../../src/map/codec.ts'
import { InFlight } from '../../src/map/in-flight.ts'
import { HybridClock } from '../../src/time/hybrid-clock.ts'

const test = suite('hazelcast: writes that nobody hears of here')

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Reply = 'made' | 'made, answer lost' | 'made, asked again' | 'lost'

/** An owner that is played. What becomes of each put is said beforehand, by `replies`; then all are made. */
function open(...replies: Reply[]) {
  const stored = new Map<string, Buffer>()
  let puts = 0
  const set = async (key: string, value: Buffer): Promise<Reply> => {
    const reply = replies[puts++] ?? 'made'
    if (reply !== 'lost') stored.set(key, value)
    if (reply.startsWith('made') && reply !== 'made, answer lost') return reply
    await turn()
    throw new Error('the connection was lost')
  }
  const imap = {
    set,
    get: async (key: string) => stored.get(key) ?? null,
    async replaceIfSame(key: string, raw: Buffer, value: Buffer) {
      if (stored.get(key)?.equals(raw) !== true) return false
      return (await set(key, value)) === 'made'
    },
    async putIfAbsent(key: string, value: Buffer) {
      if (stored.has(key)) return stored.get(key)
      return (await set(key, value)) === 'made' ? null : value
    },
  } as unknown as IMap<string, Buffer>
  const clock = createVirtualClock()
  // The envelopes here are texts.
  const codec: Pick<Codec, 'read'> = {
    read: (bytes) => ({ header: { schemaVersion: String(bytes) === 'of schema 2' ? 2 : 1 }, body: undefined }) as Envelope,
  }
  const marks = new Marks({ clock, pulse: { next: 1, heard: async () => {} } })
  const hybrid = new HybridClock(clock)
  hybrid.see(100)
  const shown: string[] = []
  const own = new OwnWrites()
  const copy: OwnCopy = {
    awaited: undefined,
    versionOf: () => undefined,
    toRecord: (key, raw) =>
      raw === null ? undefined : { key, version: readFrame(raw)?.version ?? 1, bytes: readFrame(raw)?.bytes ?? raw, atMs: 0 },
    made: (key, version) => shown.push(`${key} ${version}`),
    done: () => {},
  }
  const writes = new Writes({
    ...{ map: 'm', session: 'us', clock, realClock: clock, hybrid, deadlineMs: 200, copy, own },
    beat: () => 1,
    ready: () => imap,
    garbage: new Garbage({ realClock: clock, tombstoneMs: 1000, imap: () => imap }),
    guard: new Guard({ map: 'm', schemaVersion: 1, marks, codec }),
    inFlight: new InFlight({ clock, deadlineMs: 1000, maxInFlight: 4 }),
    client: () => ({ getPartitionService: () => ({ getPartitionId: () => 1 }) }) as unknown as Client,
  })
  const put = (value: string): Promise<string> => {
    const write: DriverPut<string> = {
      ...{ type: 'put', key: 'k', expect: undefined, ttlMs: undefined },
      pack: () => Buffer.from(value),
      entry: (version) => `${value} ${version}`,
    }
    return writes.put(write)
  }
  /** Over exactly that version. */
  const swap = (value: string, expect: number) =>
    writes.commit({ type: 'put', key: 'k', expect, ttlMs: undefined, pack: () => Buffer.from(value) })
  const others = (version: number): void => {
    const facts = { kind: 'put', version, session: 'them', number: 1, stampMs: 0, ttlMs: undefined, unheard: false } as const
    stored.set('k', packFrame({ ...facts, bytes: Buffer.from('theirs') }))
  }
  const at = () => readFrame(stored.get('k'))
  return {
    put,
    swap,
    stored,
    others,
    at,
    own,
    shown,
    clock,
    marks,
    puts: () => puts,
    standing: () => `${String(Buffer.from(at()?.bytes ?? []))} ${at()?.version}`,
  }
}

test('a put ends with the answer of its owner, and says that its writer hears nothing', async () => {
  const { put, at, own, shown, standing } = open()
  assert.is(await put('a'), standing())
  assert.equal([at()?.unheard, shown, own.ended], [true, [`k ${at()?.version}`], 1])
})

test('a put that was made though its answer was lost is found, and not made again', async () => {
  const { put, puts, standing } = open('made, answer lost')
  assert.is(await put('a'), standing())
  assert.is(puts(), 1)
})

test('one that was not made is made again, also over what another process wrote', async () => {
  const { put, others, puts, standing } = open('lost')
  others(7)
  assert.is(await put('a'), standing())
  assert.equal([puts(), standing().startsWith('a ')], [2, true])
})

test('a compare-and-set that was made, and then asked for again behind our back, is not taken for one that lost', async () => {
  for (const first of [0, 1]) {
    const { put, swap, at, puts, own } = open(...(['made', 'made, asked again'] as const).slice(1 - first))
    if (first === 1) await put('a')
    const result = await swap('b', at()?.version ?? 0)
    assert.equal(result, { ok: true, version: at()?.version, atMs: at()?.stampMs })
    assert.equal([puts(), own.ended, own.announce().voids], [1 + first, 1 + first, []])
  }
})

test('one over which another has written since is not made again: that one may have seen it, and nobody can say', async () => {
  const { put, others, puts, at, own } = open('lost')
  const lost = put('a').catch((error: unknown) => error)
  await new Promise((resolve) => process.nextTick(resolve))
  others(1_000_000)
  assert.ok(isGridError(await lost, 'OUTCOME_UNKNOWN'))
  assert.equal([puts(), at()?.session, own.announce().named], [1, 'them', [[1, 'k']]])
})

test('one that a later put of its process has replaced is not made again in its place', async () => {
  const { put, puts, standing, own } = open('lost')
  const first = put('a')
  await new Promise((resolve) => process.nextTick(resolve))
  const [older, newer] = await Promise.all([first, put('b')])
  assert.equal([newer, puts()], [standing(), 2])
  assert.ok(Number(older.split(' ')[1]) < Number(newer.split(' ')[1]), 'its version is its own')
  assert.is(own.ended, 2)
})

test('where it stays lost, its caller is told in time that nobody knows, and others are told to look', async () => {
  const { put, clock, own } = open(...Array.from({ length: 100 }, () => 'lost' as const))
  let refused: unknown
  void put('a').catch((error: unknown) => (refused = error))
  for (let passed = 0; passed < 20; passed++) {
    await turn()
    await clock.advance(20)
  }
  assert.ok(isGridError(refused, 'OUTCOME_UNKNOWN'), String(refused))
  assert.equal(own.announce().named, [[1, 'k']])
})

/** What another process has written there. */
const theirs = (version: number, value: string): Buffer => {
  const facts = { kind: 'put', version, session: 'them', number: 1, stampMs: 0, ttlMs: undefined, unheard: false } as const
  return packFrame({ ...facts, bytes: Buffer.from(value) })
}

test('where there may be what it cannot read, a put looks first, and goes over nothing else', async () => {
  const { put, stored, at, marks, puts, standing, own } = open()
  await put('a')
  marks.see({ map: 'm', schema: 2 })
  assert.is(await put('b'), standing())
  assert.equal([at()?.number, puts()], [2, 2])
  stored.set('k', theirs(7, 'of schema 2'))
  assert.ok(isGridError(await put('c').catch((error: unknown) => error), 'NEWER_SCHEMA'))
  assert.ok(stored.get('k')?.equals(theirs(7, 'of schema 2')))
  assert.is(own.ended, 2, 'it has no number')
  stored.set('k', theirs(8, 'theirs'))
  assert.is(await put('d'), standing())
})

test('a put whose answer was lost is not made again over what it cannot read', async () => {
  const { put, stored, marks, puts, own } = open('lost')
  const lost = put('a').catch((error: unknown) => error)
  await new Promise((resolve) => process.nextTick(resolve))
  stored.set('k', theirs(7, 'of schema 2'))
  marks.see({ map: 'm', schema: 2 })
  assert.ok(isGridError(await lost, 'NEWER_SCHEMA'))
  assert.equal([puts(), stored.get('k')?.equals(theirs(7, 'of schema 2'))], [1, true])
  // It may have been made before that: others have to look.
  assert.equal(own.announce().named, [[1, 'k']])
})

test('what no grid wrote is said to all: where this process has seen it, and on each connection', async () => {
  const { put, stored, marks } = open()
  marks.see({ map: 'm', schema: 2 })
  stored.set('k', Buffer.from('{}'))
  assert.ok(isGridError(await put('a').catch((error: unknown) => error), 'BAD_ENVELOPE'))
  assert.is(marks.of('m').highest, Infinity)
  for (const connection of [1, 2]) {
    const entries: string[] = []
    marks.attach({ set: async (key: string, text: string) => entries.push(`${key} ${text}`) } as unknown as IMap<string, string>)
    await turn()
    assert.equal(entries, ['mark of m: Infinity {"map":"m","schema":null}'], `connection ${connection}`)
  }
})

test.run()
