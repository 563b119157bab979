import { createMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRecordCodec } from '../src/durability/record-codec.ts'
import type { AgentRecord } from '../src/durability/record.ts'
import { CoreError, createSystem, isCoreError, memoryStore } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('errors in a state')

const codec = createRecordCodec()

function stored(over: Partial<AgentRecord>, context: unknown = {}): AgentRecord {
  const snapshot = { status: 'active', output: undefined, error: undefined, value: 'a', context } as const
  const record = { machineType: 'm', machineVersion: undefined, snapshot, timers: [], ...over }
  return codec.decode(codec.encode('x', record as AgentRecord), { id: 'x', machineType: 'm', machineVersion: undefined })
}

const back = <T>(context: T): T => stored({}, context).snapshot.context as T

test('the code of an error, and what data it carries, comes back with it', () => {
  const error = Object.assign(new Error('gone', { cause: Object.assign(new TypeError('inner'), { code: 7 }) }), {
    code: 'ENOENT',
    path: '/dev/arm',
    detail: { tries: [1, new Date(5)] },
  })
  const [again] = back([error]) as [typeof error]
  assert.equal([again.message, again.code, again.path, again.detail], ['gone', 'ENOENT', '/dev/arm', { tries: [1, new Date(5)] }])
  assert.instance(again.cause, TypeError)
  assert.is((again.cause as { code?: number }).code, 7)
  const core = back(new CoreError('INTERRUPTED', 'x'))
  assert.ok(isCoreError(core, 'INTERRUPTED'))
})

test('an error that is met twice is one error, one that carries itself too', () => {
  const error = Object.assign(new Error('loop'), { code: 1, self: undefined as unknown })
  error.self = { of: error }
  const again = back({ a: error, b: [new Map([[error, new Set([error])]])] })
  const [[key, value]] = [...(again.b[0] as Map<unknown, Set<unknown>>)] as [[unknown, Set<unknown>]]
  assert.is(key, again.a)
  assert.ok(value.has(again.a))
  assert.is((again.a.self as { of: unknown }).of, again.a)
})

test('what is no data of an error is left out, and the rest kept', () => {
  const error = Object.assign(new Error('e'), { code: 1, socket: new WeakMap(), retry: () => 1, [Symbol('s')]: 1, list: [() => 1] })
  Object.defineProperty(error, '__proto__', { value: { code: 9 }, enumerable: true })
  const again = back({ error }).error
  assert.equal(Object.entries(again), [['code', 1]])
})

test('an error of several keeps its message, them and its cause', () => {
  const given = new AggregateError([new CoreError('CLOSED', 'one'), 'two', () => 3], 'both', { cause: 'why' })
  const again = back({ given }).given
  assert.instance(again, AggregateError)
  assert.equal([again.message, again.cause, Object.keys(again)], ['both', 'why', []])
  assert.equal([(again.errors[0] as CoreError).code, ...again.errors.slice(1)], ['CLOSED', 'two'])
})

test('wherever in the record it stands: children, outputs, delayed events, what is not delivered yet', () => {
  const error = (): Error => Object.assign(new Error('e'), { code: 'C' })
  const codeOf = (value: unknown): unknown => (value as { code: unknown }).code
  const record = stored({
    snapshot: {
      ...{ status: 'active', output: undefined, error: undefined, value: 'a', context: {} },
      children: { kid: { snapshot: { status: 'error', error: error() } } },
    } as never,
    timers: [{ id: 't', event: { type: 'late', error: error() }, delayMs: 1 }],
    seq: 1,
    outbox: [{ born: 1, seq: 1, effect: { kind: 'send', to: 'b', event: { type: 'x', error: error() } as never }, trace: undefined }],
  })
  assert.is(codeOf(record.snapshot.children?.['kid']?.snapshot.error), 'C')
  assert.is(codeOf(record.timers[0]?.event['error']), 'C')
  assert.is(codeOf((record.outbox?.[0]?.effect as { event?: { error?: unknown } } | undefined)?.event?.error), 'C')
})

test('records without such an error are what they were', () => {
  const version = (context: unknown): unknown => {
    const snapshot = { status: 'active', output: undefined, error: undefined, value: 'a', context } as const
    return codec.encode('x', { machineType: 'm', machineVersion: undefined, snapshot, timers: [] })[1]
  }
  assert.equal([version({ a: new Map() }), version({ e: new Error('e') }), version({ e: new CoreError('CLOSED', 'e') })], [4, 4, 5])
})

test('an agent restored by another process knows the error it kept', async () => {
  const store = memoryStore()
  const bench = await openBench({ store })
  const machine = (error: unknown) => createMachine({ id: 'm', context: { error } })
  await bench.system.spawn(machine(new CoreError('ASK_TIMEOUT', 'late')), { id: 'a', durability: 'checkpoint' })
  await bench.system.close()
  const next = createSystem({ grid: bench.grid, clock: bench.clock, store })
  const agent = await next.spawn(machine(undefined), { id: 'a', durability: 'checkpoint' })
  assert.ok(isCoreError(agent.snapshot.context.error, 'ASK_TIMEOUT'))
  await next.close()
  await bench.close()
})

test.run()
