import { isStoreError } from '@stigmergy/grid/store'
import { crc32 } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRowCodec } from '../src/store/row.ts'

const test = suite('rows')
const codec = createRowCodec()

function refusal(bytes: Uint8Array, key?: Uint8Array): { readonly code: string; readonly message: string } | undefined {
  try {
    codec.read(bytes, 'x', key)
    return undefined
  } catch (error) {
    assert.ok(isStoreError(error))
    return error
  }
}

const fields = [1, 'text', Buffer.from('bytes')]
const key = Buffer.from('agent-9')

function flipped(bytes: Buffer, bit: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return damaged
}

test('a row with any one bit flipped is damaged, not of a newer release', () => {
  for (const row of [codec.pack(fields), codec.pack(fields, key)]) {
    assert.equal(codec.read(row, 'x', key).slice(0, 2), [1, 'text'])
    for (let bit = 0; bit < row.length * 8; bit++) {
      // Format 0 is none, and the other bits of the format byte are of formats that are not known here.
      assert.is(refusal(flipped(row, bit))?.code, 'STORE_BROKEN', `bit ${bit}`)
    }
  }
})

test('a row tells the key that it stands under: under any other one it is refused', () => {
  const row = codec.pack(fields, key)
  assert.equal(codec.under(codec.pack(fields), key), row)
  assert.equal(codec.under(codec.pack(fields, Buffer.from('other')), key), row)
  for (let bit = 0; bit < key.length * 8; bit++) {
    const { code, message } = refusal(row, flipped(key, bit)) ?? {}
    assert.equal([code, message], ['STORE_BROKEN', 'what is stored for x is damaged: it belongs under another key'])
  }
  // Those of older releases tell none.
  assert.is(refusal(codec.pack(fields), key), undefined)
})

test('what is no row at all is damaged, and named', () => {
  for (const text of ['', '\u0002', '<html>login</html>', '{"a":1}', 'x'.repeat(1000)]) {
    const { code, message } = refusal(Buffer.from(text)) ?? {}
    assert.equal([code, message], ['STORE_BROKEN', `the ${text.length} bytes stored for x are damaged: their check sum is wrong`])
  }
})

test('a row of a newer format is known by its check sum, which covers the format', () => {
  const row = codec.pack([1])
  row[0] = 4
  row.writeUInt32BE(crc32(row.subarray(5), crc32(row.subarray(0, 1))), 1)
  assert.equal([refusal(row)?.code, refusal(row)?.message], ['STORE_NEWER', 'x is stored in format 4; this release knows 3'])
})

test.run()
