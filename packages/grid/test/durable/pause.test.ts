import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { newPlace } from './places.ts'
import { lmdbContender, pauseRounds } from './pause-rounds.ts'

const test = suite('SIGSTOP past the lease')

test('10 rounds: the fence never goes back, and a stale one is never accepted', async () => {
  const place = await newPlace()
  try {
    const { fenced, commits } = await pauseRounds(lmdbContender(place.path), 10)
    assert.ok(fenced >= 5, `${fenced} writes of a stale holder were refused`)
    assert.ok(commits > 50, `${commits} commits`)
  } finally {
    await place.done()
  }
})

test.run()
