import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createActor, createMachine, type StateValue } from 'xstate'
import { isCoreError, memoryStore } from '../src/index.ts'
import { createRecordCodec, type RecordCodec } from '../src/durability/record-codec.ts'
import { fits, shapeOf } from '../src/durability/shape.ts'
import { below, forSeeds } from './seeds.ts'
import { openBench } from './support.ts'

/** How a state is stored that is nothing but a value and a context. */
const test = suite('short record')

const expected = { id: 'x', machineType: 'robot', machineVersion: undefined }
const short = (codec: RecordCodec, context: unknown, value: StateValue = 'idle'): Uint8Array | undefined =>
  codec.encodeShort('x', { machineType: 'robot', machineVersion: undefined, value, context })

const KEYS = ['x', 'a key', '1', '__keys__', '__proto__', 'constructor', 'toJSON', 'length', 'é', 'valueOf']

/** A value made by chance: sometimes an object is met twice in it, or it is none of the plain ones. */
function chanceValue(random: () => number, depth: number, met: object[]): unknown {
  const at = below(random, depth > 0 ? 12 : 7)
  if (at < 7) return [1.5, 'text', true, null, undefined, -7, 'ü'.repeat(below(random, 90))][at]
  const inner = (): unknown => chanceValue(random, depth - 1, met)
  if (at === 11 && met.length > 0) return met[below(random, met.length)]
  const odd = below(random, 20)
  const made: object =
    odd === 0
      ? new Map([['k', inner()]])
      : odd === 1
        ? new Date(below(random, 1e6))
        : at % 2 === 0
          ? Array.from({ length: below(random, 4) }, inner)
          : Object.fromEntries(Array.from({ length: below(random, 4) }, () => [KEYS[below(random, KEYS.length)] as string, inner()]))
  met.push(made)
  return made
}

test('whatever goes the short way comes back as it was, also in another process (seeded)', () => {
  let shorts = 0
  const codec = createRecordCodec()
  return forSeeds(1000, (random) => {
    const context = { value: chanceValue(random, 4, []), list: chanceValue(random, 2, []) }
    const value = (['idle', '{"a":"b"}', '"idle"', { a: 'b' }, { a: { b: 'c' }, d: 'e' }] as const)[below(random, 5)] as StateValue
    const bytes = short(codec, context, value)
    if (bytes === undefined) return
    shorts += 1
    for (const reader of [codec, createRecordCodec()]) {
      const { snapshot } = reader.decode(bytes, expected)
      assert.equal(snapshot.context, context)
      assert.equal((snapshot as unknown as { value: StateValue }).value, value)
    }
  }).then(() => assert.ok(shorts > 100 && shorts < 1000, String(shorts)))
})

test('what a glance takes for sound can be read, whatever a byte of it has become (seeded)', () => {
  let glanced = 0
  let whole = 0
  return forSeeds(300, (random) => {
    const codec = createRecordCodec()
    const bytes = short(codec, { value: chanceValue(random, 4, []), n: 300, list: chanceValue(random, 2, []) }, { a: 'b' })
    if (bytes === undefined) return
    const sound = (some: Uint8Array): void => {
      const head = codec.glance(some)
      if (head === undefined) return
      glanced += 1
      const { machineType, machineVersion, snapshot } = codec.read(some, 'x')
      assert.equal({ machineType, machineVersion, value: (snapshot as unknown as { value: StateValue }).value }, { ...pick(head) })
    }
    const before = glanced
    sound(bytes)
    whole += glanced - before
    for (let turn = 0; turn < 60; turn++) {
      const other = new Uint8Array(bytes)
      if (below(random, 4) === 0) sound(other.subarray(0, below(random, other.length)))
      other[below(random, other.length)] = below(random, 256)
      sound(other)
    }
  }).then(() => assert.ok(whole > 30 && glanced > 1000, `${whole}, ${glanced}`))
})

const pick = ({ machineType, machineVersion, value }: NonNullable<ReturnType<RecordCodec['glance']>>): object => ({
  machineType,
  machineVersion,
  value,
})

test('what is met twice, has methods or a class, or is large has no shape', () => {
  const twice = { a: 1 }
  const loop: unknown[] = []
  loop.push(loop)
  const large = Array.from({ length: 20 }, () => ({}))
  for (const part of [
    [twice, twice],
    loop,
    large,
    [{ a: 1 }, { b: 1 }],
    { send: () => 1 },
    [() => 1],
    [new Date()],
    new Map(),
    Object.create(null),
    JSON.parse('{"__proto__":1}'),
    { constructor: 1 },
    createActor(createMachine({})),
  ])
    assert.is(shapeOf({ part }), undefined)
  for (const part of [1, 'a', null, undefined, {}, [], { a: [{ b: [1, { c: null }] }] }]) assert.ok(shapeOf({ part }))
})

test('a context fits a shape only if it has just those keys, so that no record names keys of another', () => {
  const shape = shapeOf({ a: 1, list: [{ b: 1 }], more: { c: 1 } })
  assert.ok(shape)
  const is = (context: object): boolean => fits(context, shape, [])
  assert.ok(is({ a: 'x', list: [1, { b: null }, { b: 2 }], more: { c: undefined } }))
  for (const context of [
    { list: [{ b: 1 }], a: 1, more: { c: 1 } },
    { a: 1, list: [{ b: 1 }] },
    { a: 1, list: [{ b: 1 }], more: { c: 1 }, d: 1 },
    { a: 1, list: [], more: { c: 1 } },
    { a: 1, list: [{ b: 1 }, { c: 1 }], more: { c: 1 } },
    { a: 1, list: [{ b: 1 }], more: null },
    { a: {}, list: [{ b: 1 }], more: { c: 1 } },
    { a: 1, list: [{ b: 1 }, () => 1], more: { c: 1 } },
  ])
    assert.not.ok(is(context))
  const codec = createRecordCodec()
  assert.ok(short(codec, { of: { alice: 1 } }))
  assert.not.match(Buffer.from(short(codec, { of: { bob: 1 } }) as Uint8Array).toString('latin1'), /alice/)
})

test('contexts of ever new keys, of long ones and of much text go the long way', () => {
  const codec = createRecordCodec()
  const ways = Array.from({ length: 100 }, (_, i) => short(codec, { [`key${i}`]: i }) !== undefined)
  assert.is(ways.filter(Boolean).length, 32)
  assert.is(short(createRecordCodec(), { ['k'.repeat(65)]: 1 }), undefined)
  assert.is(short(createRecordCodec(), Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`field${i}`, i]))), undefined)
  assert.is(short(createRecordCodec(), { text: 'x'.repeat(66_000) }), undefined)
  assert.is(short(createRecordCodec(), 'text'), undefined)
})

test('another version of a machine has records of its own', () => {
  const codec = createRecordCodec()
  const of = (machineVersion: string | undefined): string | undefined =>
    codec.read(codec.encodeShort('x', { machineType: 'robot', machineVersion, value: 'idle', context: {} }) as Uint8Array, 'x')
      .machineVersion
  assert.equal([of('1'), of('2'), of(undefined), of('1')], ['1', '2', undefined, '1'])
})

test('a record that is cut off or longer, or whose head is none, is refused and nothing else', () => {
  const codec = createRecordCodec()
  const bytes = short(codec, { n: 1, list: [{ a: 'text' }] }) as Uint8Array
  const broken = (given: Uint8Array): void =>
    assert.throws(
      () => codec.decode(given, expected),
      (error: unknown) => isCoreError(error, 'STORE_BROKEN'),
    )
  for (let length = 0; length < bytes.length; length++) broken(bytes.slice(0, length))
  broken(Uint8Array.of(...bytes, 0))
  for (let at = 0; at < bytes.length; at++) {
    for (const bits of [0x01, 0x10, 0x80, 0xff]) {
      const flipped = Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ bits : byte))
      try {
        codec.decode(flipped, expected)
      } catch (error) {
        const code = (error as { readonly code?: unknown }).code
        assert.ok(code === 'STORE_BROKEN' || code === 'STORE_FOREIGN' || code === 'STORE_NEWER', String(error))
      }
    }
  }
  // Nothing of it stays behind.
  assert.equal(codec.decode(bytes, expected).snapshot.context, { n: 1, list: [{ a: 'text' }] })
})

test('what cannot be packed is refused with the name of the agent', () => {
  assert.throws(
    () => short(createRecordCodec(), { symbol: Symbol('s') }),
    (error: Error) => isCoreError(error, 'BAD_STATE') && error.message.includes('the state of agent "x" cannot be stored'),
  )
})

// As programs of the first two versions wrote them, byte for byte.
const OLD = {
  object:
    '1HJAla5zY2hlbWFfdmVyc2lvbqttYWNoaW5lVHlwZa5tYWNoaW5lVmVyc2lvbqhzbmFwc2hvdKZ0aW1lcnMBp2NvdW50ZXKhMdRy' +
    'QZemc3RhdHVzpm91dHB1dKVlcnJvcqV2YWx1ZaxoaXN0b3J5VmFsdWWnY29udGV4dKhjaGlsZHJlbqZhY3RpdmXUAADUAACkaWRsZdRyQpDUckORoW4DQpA=',
  list: 'lQKnY291bnRlcqExpGlkbGXUckCRoW4D',
}

test('agents that were stored by older programs go on, and are stored anew in the short form', async () => {
  const counter = createMachine({
    id: 'counter',
    version: '1',
    types: {} as { context: { n: number } },
    context: { n: 0 },
    initial: 'idle',
    states: { idle: { on: { up: { actions: assign({ n: ({ context }) => context.n + 1 }) } } } },
  })
  for (const [form, text] of Object.entries(OLD)) {
    const store = memoryStore()
    await store.commit('c', 0, { owner: 'old', token: 1 }, Buffer.from(text, 'base64'))
    const { system, settle, close } = await openBench({ store })
    const agent = await system.spawn(counter, { id: 'c', durability: 'checkpoint' })
    agent.send({ type: 'up' })
    await settle()
    assert.is(agent.snapshot.context.n, 4, form)
    await close()
    const kept = await store.get('c')
    assert.equal(Array.from(kept?.value ?? []).slice(0, 2), [0x93, 3], form)
  }
})

test.run()
