import { createVirtualClock, GridError, isGridError } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inBatches, nextSize } from '../src/map/in-batches.ts'

const test = suite('many writes in batches')

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const options = { clock: createVirtualClock(), deadlineMs: 500 }

test('all are made in their order, and only so many are under way', async () => {
  const begun: number[] = []
  let [underWay, most] = [0, 0]
  await inBatches(numbers(20_000), options, async (batch) => {
    begun.push(...batch)
    underWay += batch.length
    most = Math.max(most, underWay)
    await turn()
    underWay -= batch.length
  })
  assert.equal([begun, underWay, most], [numbers(20_000), 0, 2048])
})

test('what is few goes in one batch and at once; nothing is nothing', async () => {
  const batches: number[] = []
  const make = async (batch: readonly number[]): Promise<void> => void batches.push(batch.length)
  const few = inBatches(numbers(64), options, make)
  assert.equal(batches, [64], 'inside the call')
  await few
  await inBatches([], options, make)
  assert.equal(batches, [64])
})

test('batches that take long grow small, and large again when they are quick', async () => {
  assert.equal([nextSize(64, 51, 500), nextSize(64, 40, 500), nextSize(64, 24, 500)], [32, 64, 128])
  assert.equal([nextSize(8, 400, 500), nextSize(1024, 0, 500)], [8, 1024])
})

test('a failure ends it: no further batch is begun, and the error says how far it came', async () => {
  let begun = 0
  const make = async (batch: readonly number[]): Promise<void> => {
    begun++
    await turn()
    if (batch.includes(1000)) throw new GridError('TIMEOUT', 'too late')
  }
  const ended = await inBatches(numbers(50_000), options, make).catch((error: unknown) => error)
  assert.ok(isGridError(ended, 'TIMEOUT'), String(ended))
  assert.match(ended.message, /^too late \(at least \d+ of 50000 entries were written\)$/)
  const before = begun
  for (let n = 0; n < 5; n++) await turn()
  assert.is(begun, before)
})

test.run()
