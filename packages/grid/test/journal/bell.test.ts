import { createVirtualClock } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBell } from '../../src/durable/bell.ts'
import { newPlace } from '../durable/places.ts'

const test = suite('the bell of a journal')

test('what another process appends is pushed to a reader: its clock stands still, so it does not look by itself', async () => {
  const place = await newPlace()
  const clock = createVirtualClock()
  try {
    const [here, there] = [await openDurable({ path: place.path, clock }), await openDurable({ path: place.path })]
    const [mine, theirs] = [here.journal('audit'), there.journal('audit')]
    const reader = await mine.reader('r')
    for (let seq = 1; seq <= 5; seq++) {
      const next = reader.next()
      await theirs.append('p', seq, Buffer.from('x'))
      assert.is((await next)[0]?.seq, seq)
    }
    assert.is(clock.now(), 0)
    for (const each of [mine, theirs, here, there]) await each.close()
  } finally {
    await place.done()
  }
})

test('a file that cannot be watched is looked at, and only while somebody listens', async () => {
  const clock = createVirtualClock()
  const bell = createBell(clock, '/nowhere/at/all')
  let rings = 0
  const quit = bell.listen('audit', () => (rings += 1))
  const other = bell.listen('audit', () => undefined)
  await clock.advance(35)
  assert.is(rings, 3)
  bell.ring('audit')
  bell.ring('nobody')
  assert.is(rings, 4)
  quit()
  other()
  quit()
  await clock.advance(100)
  assert.is(rings, 4)
})

test.run()
