import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryMeter } from './support/otel.ts'

const test = suite('near caches')

async function setUp(maxLabelValues: number) {
  const { meter, read } = memoryMeter()
  const clock = createVirtualClock()
  const telemetry = telemetryHooks({ meter, clock, maxLabelValues })
  const grid = async (...maps: readonly (readonly [name: string, reads: number])[]) => {
    const opened = await openGrid({ clock })
    for (const [name, reads] of maps) {
      const map = opened.map<number>(name)
      await map.put('k', 1)
      for (let i = 0; i < reads; i++) map.peek('k')
    }
    return opened
  }
  const told = async (name: string) => (await read(name)).map(({ attributes, value }) => [attributes['map'], value])
  return { telemetry, grid, told }
}

test('maps beyond the bound are counted together, and one that opens takes nothing back', async () => {
  const { telemetry, grid, told } = await setUp(1)
  const opened = await grid(['a', 1], ['b', 2], ['c', 4])
  telemetry.watchGrid(opened)
  assert.equal(await told('grid_near_cache_reads_total'), [
    ['a', 1],
    ['other', 6],
  ])
  await opened.map<number>('d').put('k', 1)
  assert.equal((await told('grid_near_cache_reads_total'))[1], ['other', 6])
  assert.equal((await told('grid_near_cache_entries'))[1], ['other', 3])
  await opened.close()
})

test('a map of which nothing is held has no age to tell, and hides none', async () => {
  const { telemetry, grid, told } = await setUp(10)
  const opened = await grid(['parts', 1])
  await opened.map<number>('written', { interest: 'none' }).put('k', 1)
  telemetry.watchGrid(opened)
  assert.equal(await told('map_stale_age_seconds'), [['parts', 0]])
  await opened.close()
})

test('two grids with a map of one name are added up, one watched twice is not, and a counter never goes back', async () => {
  const { telemetry, grid, told } = await setUp(10)
  const one = await grid(['parts', 3])
  const other = await grid(['parts', 5])
  const end = telemetry.watchGrid(one)
  const again = telemetry.watchGrid(one)
  telemetry.watchGrid(other)
  assert.equal(await told('grid_near_cache_reads_total'), [['parts', 8]])
  assert.equal(await told('grid_near_cache_entries'), [['parts', 2]])
  end()
  end()
  assert.equal(await told('grid_near_cache_entries'), [['parts', 2]], 'it is still watched once')
  again()
  assert.equal(await told('grid_near_cache_entries'), [['parts', 1]])
  await other.close()
  assert.equal(await told('grid_near_cache_reads_total'), [['parts', 8]])
  assert.equal(await told('grid_near_cache_entries'), [])
  await one.close()
})

test.run()
