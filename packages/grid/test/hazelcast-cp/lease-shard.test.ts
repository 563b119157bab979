import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FREE_KEPT, MOST_LEASES, packShard, readShard, rowIn, withRow, type LeaseShard } from '../../src/hazelcast-cp/lease-shard.ts'
import { createRowCodec } from '../../src/store/row.ts'
import { isStoreError } from '@stigmergy/grid/store'

const test = suite('a shard of leases')
const codec = createRowCodec()
const empty: LeaseShard = { shards: 1, floor: 0, rows: new Map() }
const row = (fence: number, owner?: string) => ({ fence, owner, ttlMs: 1000, beat: `b${fence}` })

test('what was packed is read', () => {
  const shard = withRow(withRow(empty, 'a', row(3, 'me')), 'b', row(1))
  assert.equal(readShard(codec, packShard(codec, shard), 'x'), shard)
  assert.is(rowIn(empty, 'a'), undefined)
})

test('free leases are forgotten, but a fence never goes back', () => {
  let shard: LeaseShard = empty
  for (let at = 0; at < FREE_KEPT + 10; at++) shard = withRow(shard, `l${at}`, row(1000 - at))
  assert.is(shard.rows.size, FREE_KEPT)
  assert.is(rowIn(shard, 'l0')?.fence, 1000)
  assert.is(rowIn(shard, 'never')?.fence, 1000)
  assert.is(rowIn(shard, `l${FREE_KEPT + 9}`)?.fence, 1000 - FREE_KEPT - 9)
})

test('a newer schema is left alone', () => {
  try {
    readShard(codec, codec.pack([2, 1, 0, []]), 'the table')
    assert.unreachable()
  } catch (error) {
    assert.ok(isStoreError(error, 'STORE_NEWER'), String(error))
  }
})

test('held ones never are, and too many are refused', () => {
  let shard: LeaseShard = { ...empty, rows: new Map(Array.from({ length: MOST_LEASES + FREE_KEPT }, (_, at) => [`l${at}`, row(1, 'me')])) }
  shard = withRow(shard, 'l0', row(2, 'me'))
  try {
    withRow(shard, 'more', row(1, 'me'))
    assert.unreachable()
  } catch (error) {
    assert.ok(isStoreError(error, 'STORE_FULL'), String(error))
  }
})

test.run()
