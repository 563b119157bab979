import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createAges, type AgeReading } from '../src/ages.ts'
import { createLabels } from '../src/labels.ts'
import { meterInstruments } from '../src/metrics/meter-instruments.ts'
import { createTally } from '../src/tally.ts'
import { memoryMeter } from './support/otel.ts'

const test = suite('ages')

function setUp(maxValues = 10) {
  const { meter, read, close } = memoryMeter()
  const tally = createTally()
  const told = async () => (await read('map_stale_age_seconds')).map(({ attributes, value }) => [attributes, value])
  return { ages: createAges(meterInstruments(meter), createLabels({ region: 'eu' }, maxValues), tally), told, tally, close }
}

test('ages are asked for at each collection', async () => {
  const { ages, told, close } = setUp()
  let ageMs = 20
  const remove = ages.observe(() => [
    { map: 'parts', ageMs },
    { source: 'r1', ageMs: Infinity },
  ])
  assert.equal(await told(), [
    [{ region: 'eu', map: 'parts' }, 0.02],
    [{ region: 'eu', source: 'r1' }, Infinity],
  ])
  ageMs = 50
  assert.equal((await told())[0], [{ region: 'eu', map: 'parts' }, 0.05])
  remove()
  assert.equal(await told(), [])
  await close()
})

test('the same function given twice is removed once', async () => {
  const { ages, told, close } = setUp()
  const readings = () => [{ map: 'parts', ageMs: 1 }]
  ages.observe(readings)
  ages.observe(readings)()
  assert.is((await told()).length, 1)
  await close()
})

test('where two tell of the same, the older age counts', async () => {
  const { ages, told, close } = setUp()
  ages.observe(() => [
    { map: 'parts', ageMs: 30 },
    { map: 'parts', ageMs: 10 },
  ])
  assert.equal(await told(), [[{ region: 'eu', map: 'parts' }, 0.03]])
  await close()
})

test('a source may be named with its map', async () => {
  const { ages, told, close } = setUp()
  ages.observe(() => [{ map: 'robots', source: 'r1', ageMs: 5 }])
  assert.equal(await told(), [[{ region: 'eu', map: 'robots', source: 'r1' }, 0.005]])
  await close()
})

test('beyond the bound sources meet in other, with the oldest age', async () => {
  const { ages, told, close } = setUp(2)
  ages.observe(() => [1, 2, 30, 4].map((ageMs, i) => ({ source: `s${i}`, ageMs })))
  assert.equal(await told(), [
    [{ region: 'eu', source: 's0' }, 0.001],
    [{ region: 'eu', source: 's1' }, 0.002],
    [{ region: 'eu', source: 'other' }, 0.03],
  ])
  await close()
})

test('a function that throws, or tells no number, hides nothing of the others', async () => {
  const { ages, told, tally, close } = setUp()
  ages.observe(() => {
    throw new Error('boom')
  })
  ages.observe(
    () =>
      [
        { map: 'bad', ageMs: Number.NaN },
        { map: 'good', ageMs: 1 },
      ] satisfies AgeReading[],
  )
  assert.equal(await told(), [[{ region: 'eu', map: 'good' }, 0.001]])
  assert.is(tally.dropped.reading, 2)
  await close()
})

test.run()
