import { isGridError } from '@stigmergy/grid'
import { pack, unpackMultiple } from 'msgpackr'
import { deepStrictEqual } from 'node:assert/strict'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCodec, type Header } from '../src/map/codec.ts'
import { seal } from '../src/map/seal.ts'
import { storableValues } from '../src/testing/value-cases.ts'
import { createRandom } from './random.ts'

const test = suite('codec')
const codec = createCodec()

const header: Header = {
  schemaVersion: 3,
  version: 2 ** 40,
  writer: 'w',
  stampMs: 12.5,
  ttlMs: 500,
  source: { epoch: 2, seq: 7 },
  trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
  writeId: { session: 's', number: 9 },
  stamps: { at: 2 ** 50, attributes: { x: 2 ** 50, y: 7 } },
}
const absent = { ttlMs: undefined, source: undefined, trace: undefined, writeId: undefined, stamps: undefined }
const bare: Header = { ...header, ...absent }
const unmerged: Header = { ...header, stamps: { at: 5, attributes: undefined } }

test('the layout is the documented one, readable by any msgpack reader', () => {
  const bytes = codec.pack(header, codec.packValue(seal({ x: 1 })))
  const trace = ['a'.repeat(32), 'b'.repeat(16), 1]
  const fields = [2, 3, 2 ** 40, 'w', 12.5, 500, [2, 7], trace, ['s', 9], [2 ** 50, { x: 2 ** 50, y: 7 }]]
  assert.equal(unpackMultiple(bytes), [fields, { x: 1 }])
  assert.equal(unpackMultiple(codec.pack(bare, undefined)), [[2, 3, 2 ** 40, 'w', 12.5, null, null, null, null, null]])
  const stamped = unpackMultiple(codec.pack(unmerged, undefined)) as unknown[][]
  assert.equal(stamped[0]?.at(-1), [5, null])
})

test('the usual header has that layout too, whoever wrote before, and stands behind the bytes that were asked for', () => {
  const body = codec.packValue(seal('v'))
  for (let n = 1; n <= 40; n++) {
    const [writer, session, schemaVersion] = [`w${(n >> 1) % 2}`, `session ${(n >> 2) % 2}`, ((n + 3) >> 3) % 2 === 0 ? 1 : 300]
    const [version, stampMs, ttlMs] = [2 ** 50 + n, n / 4, n % 3 === 0 ? undefined : n]
    const usual: Header = { ...bare, schemaVersion, version, writer, stampMs, ttlMs, writeId: { session, number: n } }
    const room = n % 7
    const packed = codec.pack(usual, n % 6 === 0 ? undefined : body, room).subarray(room)
    const fields = [2, schemaVersion, version, writer, stampMs, ttlMs ?? null, null, null, [session, n], null]
    assert.equal(unpackMultiple(packed), n % 6 === 0 ? [fields] : [fields, 'v'])
    assert.equal(codec.read(packed).header, usual)
  }
})

test('what format 1 stored is read: it had no write id and no stamps', () => {
  const trace = ['a'.repeat(32), 'b'.repeat(16), 1]
  const stored = Buffer.concat([pack([1, 3, 2 ** 40, 'w', 12.5, 500, [2, 7], trace]), pack({ x: 1 })])
  const { header: read, body } = codec.read(stored)
  assert.equal(read, { ...header, writeId: undefined, stamps: undefined })
  assert.equal(codec.readValue(body as Uint8Array), { x: 1 })
})

test('a plan travels with the trace, and costs nothing where there is none', () => {
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  const bytes = (planId?: string) => codec.pack({ ...header, trace: planId === undefined ? trace : { ...trace, planId } }, undefined)
  assert.equal(codec.read(bytes('p-7')).header.trace, { ...trace, planId: 'p-7' })
  assert.equal(codec.read(bytes()).header.trace, trace)
  assert.is(bytes('p-7').length, bytes().length + 4)
})

test('the header stands by itself: it is read although the value is damaged', () => {
  const bytes = Buffer.concat([codec.pack(header, undefined), Buffer.from([0xc1, 0xc1])])
  const envelope = codec.read(bytes)
  assert.equal(envelope.header, header)
  throwsCode(() => codec.readValue(envelope.body as Uint8Array), 'BAD_ENVELOPE')
})

test('header and value come back as they went in, and the mark of a remove has no value', () => {
  for (const one of [header, bare, unmerged]) {
    for (const value of storableValues) {
      const { header: read, body } = codec.read(codec.pack(one, codec.packValue(seal(value))))
      assert.equal(read, one)
      assert.equal(codec.readValue(body as Uint8Array), value)
    }
    assert.equal(codec.read(codec.pack(one, undefined)), { header: one, body: undefined })
  }
})

test('the sealed copy equals what comes back, for random values', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const value = randomValue(createRandom(seed), 4)
    const sealed = seal(value)
    // Node's own: it tells apart Map keys that look alike.
    deepStrictEqual(sealed.value, value, `seed ${seed}`)
    deepStrictEqual(codec.readValue(codec.packValue(sealed)), sealed.value, `seed ${seed}`)
  }
})

test('there is one zero', () => {
  assert.ok(Object.is(seal(-0).value, 0))
})

test('a value is sealed again as it is', () => {
  for (const value of storableValues) assert.equal(seal(seal(value).value).value, value)
})

test('an unknown format is refused before anything else is looked at', () => {
  throwsCode(() => codec.read(pack([3])), 'NEWER_FORMAT', 'format 3')
  throwsCode(() => codec.read(pack([0, 'anything'])), 'NEWER_FORMAT', 'format 0')
})

test('bytes that are no envelope are refused, whatever they are', () => {
  const damaged = [
    Buffer.alloc(0),
    Buffer.from([0xc1]),
    pack('text'),
    pack({}),
    pack([]),
    pack(['1']),
    pack([1]),
    pack([1, 1, 1, 1, 1]),
    pack([1, 1, null, 'w', 0]),
  ]
  for (const bytes of damaged) throwsCode(() => codec.read(bytes), 'BAD_ENVELOPE')
  const random = createRandom(11)
  const good = codec.pack(header, codec.packValue(seal({ x: [1, 'a'] })))
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from(good)
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    try {
      const { body } = codec.read(bytes.subarray(0, Math.ceil(random() * bytes.length)))
      if (body !== undefined) codec.readValue(body)
    } catch (error) {
      assert.ok(isGridError(error), `round ${round}: ${String(error)}`)
    }
  }
})

test('packed bytes are their own: the next value does not overwrite them', () => {
  const first = codec.pack(header, codec.packValue(seal('first')))
  const copy = Uint8Array.from(first)
  for (let n = 0; n < 1000; n++) codec.pack(header, codec.packValue(seal(`value ${n}`)))
  assert.equal(Uint8Array.from(first), copy)
})

function throwsCode(call: () => unknown, code: 'BAD_ENVELOPE' | 'NEWER_FORMAT', text = ''): void {
  assert.throws(call, (error: unknown) => isGridError(error, code) && error.message.includes(text))
}

function randomValue(random: () => number, depth: number): unknown {
  const below = (limit: number): number => Math.floor(random() * limit)
  const many = <T>(make: () => T): T[] => Array.from({ length: below(4) }, make)
  const text = (): string => many(() => String.fromCodePoint(32 + below(0x500))).join('')
  const child = (): unknown => randomValue(random, depth - 1)
  const leaves = [() => null, () => random() < 0.5, () => below(1e6) - 5e5, () => random() * 1e9, text, () => BigInt(below(1e9)) ** 3n]
  const nodes = [
    () => new Date(below(1e12)),
    () => Uint8Array.from(many(() => below(256))),
    () => many(child),
    () => Object.fromEntries(many(() => [`${text()}k`, child()])),
    () => new Map(many(() => [child(), child()])),
    () => new Set(many(child)),
  ]
  const choices = depth > 0 ? [...leaves, ...nodes, ...nodes] : leaves
  return choices[below(choices.length)]?.()
}

test.run()
