import { EventEmitter } from 'node:events'
import { createVirtualClock, isGridError } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import type { Client, IMap } from 'hazelcast-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AppliedNumbers } from '../../src/hazelcast/applied-numbers.ts'
import { AwaitedWrites } from '../../src/hazelcast/awaited-writes.ts'
import { packBeat, readBeat, type Beat } from '../../src/hazelcast/beat.ts'
import { Marks, packMark, readMark } from '../../src/hazelcast/marks.ts'
import { ClockOffset } from '../../src/hazelcast/clock-offset.ts'
import { HIGHEST_VERSION, packFrame, readFrame, restamp, type Frame } from '../../src/hazelcast/frame.ts'
import { KnownKeys } from '../../src/hazelcast/known-keys.ts'
import { OwnWrites } from '../../src/hazelcast/own-writes.ts'
import { Peers } from '../../src/hazelcast/peers.ts'
import { Ready } from '../../src/hazelcast/ready.ts'
import { allowAnyName } from '../../src/hazelcast/any-name.ts'
import { endWithSocket } from '../../src/hazelcast/end-with-socket.ts'
import { guardEvents } from '../../src/hazelcast/guard-events.ts'
import { LostKeys } from '../../src/hazelcast/lost-keys.ts'
import { SeenVersions } from '../../src/hazelcast/seen-versions.ts'
import { serverTtlMs } from '../../src/hazelcast/attempt.ts'
import { packWireHead, WIRE_HEAD, wireOf } from '../../src/hazelcast/wire.ts'

const test = suite('hazelcast: the parts without a cluster')

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const frame: Frame = {
  kind: 'put',
  version: 1_795_621_588_849_405,
  session: 'sitzung-é',
  number: 7,
  stampMs: 12.5,
  ttlMs: 500,
  unheard: false,
  bytes: Buffer.from([1, 2, 3]),
}

test('a frame comes back as it went in, and again under another version', () => {
  const mark = { ...frame, kind: 'remove', ttlMs: undefined, bytes: Buffer.alloc(0) } as const
  for (const one of [frame, mark, { ...frame, unheard: true }, { ...mark, unheard: true }]) {
    assert.equal(readFrame(packFrame(one)), one)
    assert.equal(readFrame(restamp(packFrame(one), 9)), { ...one, version: 9 })
  }
})

test('foreign and damaged bytes are no frame, whatever they are', () => {
  const packed = packFrame(frame)
  for (const value of [
    null,
    undefined,
    'text',
    7,
    {},
    Buffer.alloc(0),
    Buffer.from('hello, this is a value of somebody else altogether'),
  ]) {
    assert.is(readFrame(value), undefined)
  }
  for (let length = 0; length < packed.length - frame.bytes.length; length++) assert.is(readFrame(packed.subarray(0, length)), undefined)
  const spoilt = (at: number, byte: number): unknown => {
    const copy = Buffer.from(packed)
    copy[at] = byte
    return readFrame(copy)
  }
  for (const [at, byte] of [[0, 0], [1, 255], [1, 3], [2, 0], [3, 4], [3, 9]] as const) assert.is(spoilt(at, byte), undefined) // prettier-ignore
  for (const version of [0, -1, NaN, Infinity, HIGHEST_VERSION + 2]) assert.is(readFrame(packFrame({ ...frame, version })), undefined)
})

test('what the client packs is known by a trial, and a client that packs otherwise is given what its documentation says', () => {
  class Data {
    readonly #payload: Buffer
    constructor(payload: Buffer) {
      this.#payload = payload
    }
    toBuffer = (): Buffer => this.#payload
    getPartitionHash = (): number => this.#payload.length
  }
  const packed = Buffer.concat([Buffer.alloc(WIRE_HEAD), Buffer.from([7, 8])])
  packWireHead(packed)
  const clientThat = (toData: unknown): Client => ({ getSerializationService: () => ({ toData }) }) as unknown as Client
  const asSaid = (value: unknown): unknown => {
    if (value instanceof Data) return value
    const bytes = Buffer.concat([Buffer.alloc(WIRE_HEAD), Buffer.from(value as string)])
    packWireHead(bytes)
    return new Data(bytes)
  }
  const wire = wireOf(clientThat(asSaid))
  assert.equal([(wire.value(packed) as Data).toBuffer(), (wire.key('abc') as Data).getPartitionHash()], [packed, WIRE_HEAD + 3])
  const otherwise = [undefined, (value: Buffer) => new Data(value), (value: unknown) => (value instanceof Data ? {} : asSaid(value))]
  for (const toData of otherwise) {
    const plain = wireOf(clientThat(toData))
    assert.equal([plain.value(packed), plain.key('abc')], [Buffer.from([7, 8]), 'abc'])
  }
  assert.is(wireOf({} as Client).key('k'), 'k')
})

test('versions that were seen only grow, and the first of too many is forgotten', () => {
  const seen = new SeenVersions(createVirtualClock({ startMs: 7 }), 2)
  seen.see('a', 5, 50, false)
  seen.see('a', 4, 40, false)
  seen.see('b', 1, 10, true)
  seen.missing('b')
  seen.see('a', 6, 60, true)
  assert.equal(seen.get('a'), { version: 6, atMs: 60, lasts: true, shownAtMs: 7 })
  assert.equal(seen.get('b'), { version: 1, atMs: 10, lasts: false, shownAtMs: 7 })
  seen.see('c', 2, 20, true)
  assert.equal([seen.get('a'), seen.get('b')?.version, seen.get('c')?.version], [undefined, 1, 2])
})

test('applied numbers know what is missing, in whatever order they come', () => {
  const applied = new AppliedNumbers()
  for (const number of [2, 4, 5, 4, 9]) applied.add(number)
  assert.equal([applied.low, applied.missing(9, 10), applied.missing(9, 2)], [0, [1, 3, 6, 7, 8], [1, 3]])
  applied.add(1)
  assert.equal([applied.low, applied.has(4), applied.has(3)], [2, true, false])
  applied.cover(7)
  assert.equal([applied.low, applied.missing(9, 10)], [7, [8]])
  applied.add(8)
  assert.equal([applied.low, applied.missing(9, 10)], [9, []])
  applied.cover(3)
  assert.is(applied.low, 9)
})

test('a write of this process is known again by its bytes, until it is in the copy', () => {
  const awaited = new AwaitedWrites()
  const stored = packFrame(frame)
  const applied: unknown[] = []
  const write = { type: 'put', key: 'k', expect: undefined, ttlMs: undefined, pack: () => frame.bytes } as const
  const sent = { ...frame, packed: Buffer.concat([Buffer.alloc(WIRE_HEAD), stored]) }
  awaited.begin(frame.number, { write, sent, applied: (one) => applied.push(one), closed: () => {} })
  assert.is(awaited.sentAs(Buffer.from(stored)), sent)
  for (const other of [
    restamp(stored, 9),
    packFrame({ ...frame, session: 'another' }),
    packFrame({ ...frame, number: 8 }),
    stored.subarray(1),
  ]) {
    assert.is(awaited.sentAs(other), undefined)
  }
  for (const foreign of ['of another client, and longer than a frame', 7, Buffer.alloc(0)])
    assert.is(awaited.sentAs(foreign as Buffer), undefined)
  awaited.settle(frame.number, sent)
  assert.equal([applied, awaited.sentAs(stored)], [[sent], undefined])
})

test('own writes announce what was issued, what ended, what was void; a ring names keys; what all have heard is not said again', () => {
  const own = new OwnWrites(4, 3)
  const numbers = ['a', 'b', 'c'].map((key) => own.begin(key))
  assert.equal(numbers, [1, 2, 3])
  assert.equal(own.announce(), { n: 3, ended: 0, voids: [], named: [], floor: 0 })
  own.made(1)
  own.voided(3, 10)
  assert.equal(own.announce(), { n: 3, ended: 1, voids: [3], named: [], floor: 0 })
  own.asked([1, 2, 3], 11)
  assert.equal(own.announce(), { n: 3, ended: 1, voids: [3], named: [[1, 'a']], floor: 0 }, '2 is under way: nothing to say')
  own.heard(10)
  assert.equal(own.announce().voids, [])
  own.unknown(2, 12)
  assert.equal(own.announce(), { n: 3, ended: 3, voids: [], named: [[1, 'a'], [2, 'b']], floor: 0 }) // prettier-ignore
  for (const key of ['d', 'e', 'f']) own.made(own.begin(key))
  assert.equal([own.announce().floor, own.keyOf(2), own.keyOf(6), own.isVoid(3)], [2, undefined, 'f', true])
  own.asked([3, 4, 5, 6], 13)
  assert.is(own.announce().named.length + own.announce().voids.length, 3, 'bounded: who misses it asks again')
})

test('a clock offset is never below the true one, and follows a drifting clock', () => {
  const offset = new ClockOffset(1000)
  assert.is(offset.latest(5), undefined)
  for (let sent = 0; sent < 10_000; sent += 10) {
    const truth = 500 - sent * 0.001
    offset.heard(sent, sent + truth + 1 + (sent % 7))
    const latest = offset.latest(sent) ?? NaN
    assert.ok(latest >= sent + truth, 'not early')
    assert.ok(latest <= sent + truth + 5, `${latest - sent - truth}`)
  }
})

test('changes are judged by what they replaced: late ones, inverted ones, those that come twice', () => {
  const known = new KnownKeys()
  const of = (version: number, number = version): Frame => ({ ...frame, version, number })
  assert.is(known.judge('k', of(5), undefined, false), 'apply')
  known.set('k', of(5), 0)
  assert.is(known.judge('k', of(6), of(5), false), 'apply')
  assert.is(known.judge('k', of(5), of(4), false), 'known', 'read before it was told')
  assert.is(known.judge('k', { ...of(4), session: 'other' }, of(5), false), 'inverted', 'committed later, by a clock that is behind')
  assert.is(known.judge('k', of(4), of(5), false), 'late', 'its process has made another one since')
  assert.is(known.judge('k', of(6, 4), undefined, false, true), 'late', 'made again, with a new version')
  assert.is(known.judge('k', of(6, 4), undefined, false, false), 'apply', 'nothing is left that could come back')
  assert.is(known.judge('k', { ...of(5, 9), session: 'other' }, of(5), false), 'inverted', 'the same version, made twice')
  assert.is(known.judge('k', of(3), of(5), true), 'zombie', 'it was applied long ago')
  assert.is(known.judge('other', of(3), of(5), true), 'zombie')
})

test('a beat comes back as it went in; what is none is none', () => {
  const beat: Beat = {
    id: 3,
    stampMs: 1.5,
    saw: new Map([['a', 7]]),
    maps: new Map(['m', '__proto__'].map((name) => [name, { n: 4, ended: 3, voids: [2], named: [[1, 'k']], floor: 0 }])),
    wants: new Map([['b', new Map([['__proto__', [1, 2]]])]]),
    schemas: new Map([['__proto__', 2], ['m', Infinity]]), // prettier-ignore
    end: false,
  }
  assert.equal(readBeat(packBeat(beat)), beat)
  assert.is(readBeat(packBeat({ ...beat, end: true }))?.end, true)
  assert.equal(readBeat('{"i":1,"t":1,"s":{},"m":{},"w":{}}')?.schemas, new Map(), 'of a release that says nothing of schemas')
  for (const text of [
    undefined,
    7,
    '',
    '{',
    '{}',
    '[]',
    '{"i":1,"t":1,"s":{},"m":{"m":[1]},"w":{}}',
    '{"i":"1","t":1,"s":{},"m":{},"w":{}}',
    '{"i":1,"t":1,"s":{"a":"7"},"m":{},"w":{}}',
    '{"i":1,"t":1,"s":{},"m":{"m":[5,5,[],[5],0]},"w":{}}',
    '{"i":1,"t":1,"s":{},"m":{"m":[5,5,[],[[1,2]],0]},"w":{}}',
    '{"i":1,"t":1,"s":{},"m":{"m":[5,5,["x"],[],0]},"w":{}}',
    '{"i":1,"t":1,"s":{},"m":{},"w":{"b":5}}',
    '{"i":1,"t":1,"s":{},"m":{},"w":{"b":{"m":5}}}',
    '{"i":1,"t":1,"s":{},"m":{},"w":{},"v":5}',
    packMark({ map: 'm', schema: 2 })[1],
  ]) {
    assert.is(readBeat(text), undefined, String(text))
  }
})

test('a mark comes back as it went in; what is none is none', () => {
  for (const mark of [
    { map: 'm', schema: 2 },
    { map: '__proto__', schema: Infinity },
  ]) assert.equal(readMark(packMark(mark)[1]), mark) // prettier-ignore
  assert.equal(readMark('{"map":"m","schema":"of another release"}'), { map: 'm', schema: Infinity })
  for (const text of [undefined, 7, '', '{}', '{"map":5}', '{"map":', '{"i":1,"t":1,"s":{},"m":{},"w":{}}']) {
    assert.is(readMark(text), undefined, String(text))
  }
})

test('a mark is there before the first write: for those who connect, and heard by those who are there', async () => {
  const steps: string[] = []
  let hear = (): void => {}
  const pulse = {
    next: 7,
    async heard(beat?: number) {
      steps.push(`beat ${beat}`)
      await new Promise<void>((resolve) => (hear = resolve))
    },
  }
  const marks = new Marks({ clock: createVirtualClock(), pulse })
  const beats = { set: async (key: string) => steps.push(key) } as unknown as IMap<string, string>
  marks.attach(beats)
  marks.tell({ map: 'first', schema: 1 })
  assert.equal([marks.of('first'), steps], [{ highest: 1, announcing: undefined }, []], 'a first schema costs nothing')
  marks.tell({ map: 'm', schema: 2 })
  const { announcing } = marks.of('m')
  await turn()
  assert.equal([marks.of('m').highest, marks.of('m').announcing, steps], [2, announcing, ['mark of m: 2', 'beat 7']])
  hear()
  await announcing
  assert.is(marks.of('m').announcing, undefined)
  marks.tell({ map: 'm', schema: 2 })
  marks.tell({ map: 'm', schema: Infinity })
  await turn()
  assert.equal(steps.slice(2), ['mark of m: 2', 'mark of m: Infinity', 'beat 7'])
})

test('peers: the newest beat counts, the silent are found, clocks of the gone are remembered', () => {
  const peers = new Peers(100, 2)
  const beat = (id: number, saw = new Map<string, number>()): Beat => {
    return { id, stampMs: 0, saw, maps: new Map(), wants: new Map(), schemas: new Map(), end: false }
  }
  peers.found('a', 0)
  assert.is(peers.heardByAll('me'), 0)
  assert.ok(peers.heard('a', beat(2, new Map([['me', 5]])), 10, 10))
  assert.not(peers.heard('a', beat(2), 11, 11))
  assert.not(peers.heard('a', beat(1), 11, 11))
  assert.equal([peers.heardByAll('me'), peers.saw(), peers.silent(109), peers.silent(111)], [5, new Map([['a', 2]]), [], ['a']])
  peers.forget('a')
  assert.equal([peers.latest('a', 3), peers.latest('b', 3), peers.heardByAll('me')], [13, undefined, Infinity])
  for (const session of ['b', 'c', 'd']) peers.heard(session, beat(1), 20, 20)
  assert.is(peers.latest('a', 3), undefined, 'only so many')
})

test("the member's own time to live is always longer than the entry's", () => {
  assert.is(serverTtlMs(undefined), 0)
  for (const ttlMs of [1, 500, 999, 1000, 1001, 60_000]) assert.ok(serverTtlMs(ttlMs) >= ttlMs + 10_000 && serverTtlMs(ttlMs) % 1000 === 0)
})

test('options are checked when they are given', () => {
  const bad: readonly (readonly [options: unknown, text: string])[] = [
    [{ cluster: 'x' }, 'hazelcast has no option "cluster"'],
    [{ clusterName: '' }, 'clusterName is ""'],
    [{ members: [] }, 'members is []'],
    [{ members: 'localhost' }, 'members is "localhost"'],
    [{ members: ['http://localhost:5701'] }, 'a member is "http://localhost:5701"'],
    [{ members: ['localhost:0'] }, 'a member is "localhost:0"'],
    [{ members: ['localhost:70000'] }, 'a member is "localhost:70000"'],
    [{ members: [7] }, 'a member is 7'],
    [{ prefix: 1 }, 'prefix is 1'],
    [{ tls: 'yes' }, 'tls is "yes"'],
    [{ maxInFlight: 0 }, 'maxInFlight is 0'],
    [{ beatMs: 0 }, 'beatMs is 0'],
    [{ deadlineMs: NaN }, 'deadlineMs is NaN'],
    [{ sweepMs: '10' }, 'sweepMs is "10"'],
    [null, 'options of hazelcast is null'],
  ]
  for (const [options, text] of bad) {
    try {
      hazelcast(options as never)
      assert.unreachable(text)
    } catch (error) {
      assert.ok(isGridError(error, 'BAD_OPTION'), String(error))
      assert.ok(error.message.includes(text), error.message)
    }
  }
  assert.is(hazelcast({ members: ['[::1]:5701', 'host', 'host.example:5701'], tls: { rejectUnauthorized: true } }).name, 'hazelcast')
})

test('those who wait for what is not there yet get it in the order in which they asked, and before any who asks later', async () => {
  const clock = createVirtualClock()
  const found: string[] = []
  const ready = new Ready(clock, () => found[0])
  const order: string[] = []
  const ask = async (name: string): Promise<void> => {
    await ready.get()
    order.push(name)
  }
  const asking = [ask('first')]
  await clock.advance(5)
  asking.push(ask('second'))
  // Since the first asked it was looked for again in vain, since the second did it was not.
  await clock.advance(7)
  found.push('it')
  ready.wake()
  asking.push(ask('late'))
  await Promise.all(asking)
  assert.equal(order, ['first', 'second', 'late'])
  assert.equal([ready.get(), clock.pending], ['it', 0])
})

test('a key is lost for as long as the mark of a remove would be there, unless the map was emptied', async () => {
  const clock = createVirtualClock({ startMs: 1000 })
  const lost = new LostKeys(clock, 500, 2)
  lost.note('a', 5, 600)
  lost.note('b', 6, 900)
  assert.equal(
    ['a', 'b', 'c'].map((key) => lost.versionOf(key)),
    [5, 6, undefined],
  )
  lost.settled('b')
  assert.is(lost.versionOf('b'), undefined)
  await clock.advance(100)
  assert.is(lost.versionOf('a'), undefined, 'by then the mark of a remove would have gone')
  lost.read(1050)
  for (const key of ['a', 'b', 'c']) lost.note(key, 7, -Infinity)
  assert.equal(
    ['a', 'b', 'c'].map((key) => lost.versionOf(key)),
    [undefined, 7, 7],
    'the first of too many is forgotten',
  )
  lost.emptied()
  lost.note('a', 8, 1100)
  assert.is(lost.versionOf('a'), undefined)
  lost.read(1100)
  lost.note('a', 8, 1100)
  assert.is(lost.versionOf('a'), 8)
})

test('a connection whose socket says nothing but that it is closed has ended', () => {
  const closed: string[] = []
  const connectionTo = (name: string) => ({ socket: new EventEmitter(), close: (reason: string) => closed.push(`${name}: ${reason}`) })
  const [first, second] = [connectionTo('a'), connectionTo('b')]
  const manager = new EventEmitter()
  endWithSocket({ getConnectionManager: () => manager, connectionRegistry: { getConnections: () => [first] } } as unknown as Client)
  manager.emit('connectionAdded', second)
  for (const { socket } of [first, second]) socket.emit('close')
  assert.equal(closed, ['a: The socket is closed.', 'b: The socket is closed.'])
  // Another release of the client may not have them.
  endWithSocket({} as Client)
  allowAnyName({} as Client)
  guardEvents({} as Client, () => assert.unreachable())
})

test.run()
