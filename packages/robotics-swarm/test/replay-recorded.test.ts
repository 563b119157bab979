import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { recordedCells } from './recorded-cells.ts'
import { failures, replayVirtually } from './replay-kit.ts'

const test = suite('replay: recorded cells')

const SPEEDS = [8, 10, 20]
const LIMIT_MS = 50
const cells = await recordedCells(SPEEDS.map((speed) => speed * LIMIT_MS))

test('what is published about the recording agrees with its rows', () => {
  for (const [session, { gapsOverMs, ...counts }] of Object.entries(cells.published ?? {})) {
    const { gapsOverMs: gaps, ...counted } = cells.expected[session]!
    assert.equal(counted, counts)
    for (const [limit, count] of Object.entries(gaps)) assert.is(count, gapsOverMs[limit] ?? count)
  }
})

for (const speed of SPEEDS) {
  test(`at ${speed} times the speed, every session gives its integers and one stop per gap over ${speed * LIMIT_MS} ms`, async () => {
    const result = await replayVirtually(cells.recording, { speed })
    assert.is(failures(result), '')
    assert.equal(
      result.report.sessions.map(({ session }) => session),
      Object.keys(cells.expected),
    )
    for (const { session, positions, discs, qcReadings, qcOk, staleStops, msInRun, msInHold, msInStop } of result.report.sessions) {
      const { gapsOverMs, durationMs, ...counts } = cells.expected[session]!
      assert.equal({ positions, discs, qcReadings, qcOk }, counts, session)
      assert.is(staleStops, gapsOverMs[speed * LIMIT_MS], session)
      assert.is(msInHold, 0)
      assert.ok(Math.abs(msInRun + msInStop - durationMs / speed) < 0.01, session)
    }
    const sum = Object.values(cells.expected).reduce((total, { gapsOverMs }) => total + gapsOverMs[speed * LIMIT_MS]!, 0)
    assert.is(result.report.totals.staleStops, sum)
  })
}

test.run()
