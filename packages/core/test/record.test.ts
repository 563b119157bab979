import { createVirtualClock } from '@stigmergy/grid'
import { Packr } from 'msgpackr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { isCoreError, type CoreErrorCode } from '../src/index.ts'
import { createRecordCodec } from '../src/durability/record-codec.ts'
import { captureRecord, type AgentRecord } from '../src/durability/record.ts'
import { Host } from '../src/cell/host.ts'
import type { HostOwner } from '../src/cell/host-owner.ts'
import { Deciding } from '../src/cell/stepper.ts'

const test = suite('record')

const codec = createRecordCodec()
const expected = { id: 'x', machineType: 'robot', machineVersion: '1' }

function record(context: unknown, over: Partial<AgentRecord> = {}): AgentRecord {
  const snapshot = { status: 'active', output: undefined, error: undefined, context } as const
  return { machineType: 'robot', machineVersion: '1', snapshot, timers: [], ...over }
}

function refused(fn: () => unknown, code: CoreErrorCode, message: RegExp): void {
  assert.throws(fn, (error: Error) => isCoreError(error, code) && message.test(error.message))
}

test('dates, maps, sets, errors, big numbers, bytes, undefined and cycles come back as they were', () => {
  const cycle: Record<string, unknown> = { name: 'loop' }
  cycle['self'] = cycle
  const context = {
    date: new Date(5),
    map: new Map<unknown, unknown>([[1, { a: 2 }]]),
    set: new Set(['a']),
    big: 12_345_678_901_234_567_890n,
    bytes: new Uint8Array([1, 2]),
    numbers: [Number.NaN, Number.POSITIVE_INFINITY, 0.1],
    nothing: undefined,
  }
  const decoded = codec.decode(codec.encode('x', record({ ...context, cycle, error: new TypeError('bad') })), expected)
  const { cycle: loop, error, ...rest } = decoded.snapshot.context as typeof context & { cycle: { self: unknown }; error: Error }
  assert.equal(rest, context)
  assert.is(loop.self, loop)
  assert.instance(error, TypeError)
  assert.is(error.message, 'bad')
})

test('each decode is a copy of its own', () => {
  const bytes = codec.encode('x', record({ list: [1] }))
  const [a, b] = [codec.decode(bytes, expected), codec.decode(bytes, expected)]
  ;(a.snapshot.context as { list: number[] }).list.push(2)
  assert.equal(b.snapshot.context, { list: [1] })
})

test('state of another type or version, or of a newer program, is refused', () => {
  const decode = (over: Partial<AgentRecord>): unknown => codec.decode(codec.encode('x', record({}, over)), expected)
  refused(() => decode({ machineType: 'camera' }), 'STORE_FOREIGN', /agent "x" is a "robot", the store holds a "camera"/)
  refused(() => decode({ machineVersion: '2' }), 'STORE_FOREIGN', /of version "2" of its machine, this one is "1"/)
  refused(() => decode({ machineVersion: undefined }), 'STORE_FOREIGN', /of version undefined/)
  const newer = new Packr().pack([6, 'robot', '1', 'idle', {}])
  refused(() => codec.decode(newer, expected), 'STORE_NEWER', /has schema version 6, this program knows 5/)
})

test('a record of the first version is read as one of the present', () => {
  const old = record({ n: 1 })
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  assert.equal(codec.decode(packr.pack({ schema_version: 1, ...old }), expected), old)
})

test('bytes that are no agent state are refused', () => {
  const packr = new Packr()
  for (const bytes of [
    new Uint8Array([0xc1]),
    packr.pack(null),
    packr.pack({}),
    packr.pack('text'),
    packr.pack([2, 'robot']),
    packr.pack({ schema_version: 2 }),
    new Uint8Array(),
  ]) {
    refused(() => codec.decode(bytes, expected), 'STORE_BROKEN', /agent "x"/)
  }
})

test('what cannot be stored is refused with the name of the agent', () => {
  refused(() => codec.encode('x', record({ symbol: Symbol('s') })), 'BAD_STATE', /the state of agent "x" cannot be stored/)
})

test('a capture is not touched by what the agent does later', () => {
  const machine = createMachine({ id: 'robot', version: '3', context: { list: [1] }, initial: 'a', states: { a: {} } })
  const host = new Host(
    {
      id: 'x',
      machine,
      environment: { clock: createVirtualClock(), logger: () => undefined, deciding: new Deciding(), slot: { current: undefined } },
      gate: undefined,
    },
    {} as HostOwner,
  )
  host.prepare(undefined, undefined)
  const captured = captureRecord(
    host,
    machine,
    'robot',
    host.snapshot,
    undefined,
    { seen: undefined, ids: undefined },
    {
      policies: 'restart',
      now: () => 0,
      wallNow: undefined,
    },
  )
  assert.is(captured.machineVersion, '3')
  const bytes = codec.encode('x', captured)
  ;(host.snapshot as { context: { list: number[] } }).context.list.push(2)
  assert.equal(codec.decode(bytes, { ...expected, machineVersion: '3' }).snapshot.context, { list: [1] })
})

test.run()
