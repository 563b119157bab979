import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../src/random.ts'
import type { Recording } from '../src/recording/recording.ts'
import { recordedCells } from './recorded-cells.ts'
import { failures, recordingOf, replayVirtually, sessionOf, times } from './replay-kit.ts'

const test = suite('replay: time in each state')

interface Setting {
  readonly speed: number
  readonly holdMs: number
  readonly limitMs: number
}

/** By the recorded intervals alone: a silence runs up to holdMs, holds up to limitMs, and stands still from there on. */
async function agrees(recording: Recording, { speed, holdMs, limitMs }: Setting): Promise<void> {
  const result = await replayVirtually(recording, { speed, holdMs, limitMs })
  assert.is(failures(result), '')
  for (const [i, { session, positions }] of recording.sessions.entries()) {
    let [runMs, inHoldMs, stopMs, silences] = [0, 0, 0, 0]
    for (let row = 1; row < positions.rows; row++) {
      const gapMs = (positions.tMs[row]! - positions.tMs[row - 1]!) / speed
      runMs += Math.min(gapMs, holdMs)
      inHoldMs += Math.max(0, Math.min(gapMs, limitMs) - holdMs)
      stopMs += Math.max(0, gapMs - limitMs)
      if (gapMs > holdMs) silences++
    }
    const { msInRun, msInHold, msInStop } = result.report.sessions[i]!
    // The timer looks a microsecond after a threshold; half of one is rounding.
    const toleranceMs = silences * 0.0015 + 0.002
    const told = `${session} at speed ${speed}, hold ${holdMs}, limit ${limitMs}: ${msInRun}, ${msInHold}, ${msInStop}; expected ${runMs}, ${inHoldMs}, ${stopMs}`
    assert.ok(Math.abs(msInRun - runMs) <= toleranceMs, `RUN of ${told}`)
    assert.ok(Math.abs(msInHold - inHoldMs) <= toleranceMs, `HOLD of ${told}`)
    assert.ok(Math.abs(msInStop - stopMs) <= toleranceMs, `STOP of ${told}`)
  }
}

test('a second silence soon after a first one holds as well, and from its beginning', async () => {
  const recording = recordingOf(sessionOf('a', [0, 320, 720]))
  const { report } = await replayVirtually(recording, { speed: 20, holdMs: 15 })
  assert.is(report.totals.msInHold, 5.998)
  await agrees(recording, { speed: 20, holdMs: 15, limitMs: 50 })
})

const SETTINGS: readonly Setting[] = [
  { speed: 1, holdMs: 15, limitMs: 50 },
  { speed: 1, holdMs: 49, limitMs: 50 },
  { speed: 7, holdMs: 1, limitMs: 11 },
  { speed: 13, holdMs: 0.3, limitMs: 4.7 },
  { speed: 1, holdMs: 20, limitMs: 20 },
  // Half a microsecond: the next whole one decides.
  { speed: 1, holdMs: 15.0005, limitMs: 31.0025 },
]

for (const setting of SETTINGS) {
  test(`random silences: ${JSON.stringify(setting)}`, async () => {
    const sessions = Array.from({ length: 6 }, (_, i) => {
      const random = createRandom(11, i)
      return sessionOf(`s${i}`, times(1e12, ...Array.from({ length: 200 }, () => Math.floor(random.uniform() ** 2 * 90))))
    })
    await agrees(recordingOf(...sessions), setting)
  })
}

test('the recorded cells', async () => {
  const { recording } = await recordedCells([])
  await agrees(recording, { speed: 20, holdMs: 15, limitMs: 50 })
})

test.run()
