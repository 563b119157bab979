import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createVirtualClock, type GridMap, openGrid } from '@stigmergy/grid'
import { createSystem } from '@stigmergy/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSwarmError } from '../src/errors.ts'
import { generateRecording } from '../src/recording/generate-recording.ts'
import { openRecording } from '../src/recording/open-recording.ts'
import { replay } from '../src/replay/replay.ts'
import { inFolder } from './recording-kit.ts'
import { failures, recordingOf, replayVirtually, sessionOf, times } from './replay-kit.ts'

const test = suite('replay')

test('every row becomes a map change, and the report has exactly the promised keys', async () => {
  const events = [
    { type: 'disc', tMs: 60 },
    { type: 'reading', tMs: 70, distanceMm: 1.5 },
    { type: 'reading', tMs: 70, distanceMm: 1.499 },
    { type: 'disc', tMs: 80 },
  ] as const
  const result = await replayVirtually(recordingOf(sessionOf('a', times(1e12, 40, 40, 40), events), sessionOf('b', [5], [])))
  assert.is(failures(result), '')
  assert.equal(result.report, {
    sessions: [
      { session: 'a', positions: 4, discs: 2, qcReadings: 2, qcOk: 1, staleStops: 0, msInRun: 120, msInHold: 0, msInStop: 0 },
      { session: 'b', positions: 1, discs: 0, qcReadings: 0, qcOk: 0, staleStops: 0, msInRun: 0, msInHold: 0, msInStop: 0 },
    ],
    totals: { positions: 5, discs: 2, qcReadings: 2, qcOk: 1, staleStops: 0, msInRun: 120, msInHold: 0, msInStop: 0 },
  })
})

test('a gap of exactly limit times speed is no stop, one millisecond more is one', async () => {
  for (const speed of [1, 3, 7, 8, 10, 13, 20, 999]) {
    const exact = 50 * speed
    const start = 1_603_811_195_382
    const recording = recordingOf(
      sessionOf('exact', times(start, exact, 1, exact, exact, 0, exact)),
      sessionOf('over', times(start + 0.5, exact + 1, 1, exact, exact + 1, exact + 1)),
      sessionOf('ends', times(1, exact + 1, 0, 0, exact, 10 * exact)),
    )
    const result = await replayVirtually(recording, { speed })
    assert.is(failures(result), '')
    assert.equal(
      result.report.sessions.map(({ staleStops }) => staleStops),
      [0, 3, 2],
      `speed ${speed}`,
    )
  }
})

test('time in stop lasts from the limit to the next row; the event stream does not keep a source required', async () => {
  const events = [
    { type: 'disc', tMs: 0 },
    { type: 'disc', tMs: 60_000 },
  ] as const
  const { report } = await replayVirtually(recordingOf(sessionOf('a', times(0, 100, 3000, 100, 700), events)), { speed: 10 })
  const { staleStops, msInRun, msInStop } = report.totals
  assert.is(staleStops, 2)
  // 300 - 50 and 70 - 50, each less the microsecond by which the timer looks later than the limit.
  assert.equal([msInRun, msInStop], [120.002, 269.998])
})

test('with holdMs below the limit a silence holds first', async () => {
  const { report } = await replayVirtually(recordingOf(sessionOf('a', times(0, 20, 40, 20, 90))), { limitMs: 50, holdMs: 25 })
  assert.is(report.totals.staleStops, 1)
  assert.equal([report.totals.msInRun, report.totals.msInHold, report.totals.msInStop], [90.002, 39.999, 39.999])
})

test('a generated recording, read from its files, gives its integers at any speed; the same replay gives the same log', async () => {
  await inFolder(async (dir) => {
    const speeds = [4, 7, 10]
    const options = { seed: 3, sessions: 5, rows: 250, gaps: 9, gapsOverMs: speeds.map((speed) => 50 * speed) }
    const expected = await generateRecording(join(dir, 'recording'), options)
    const recording = await openRecording(join(dir, 'recording'))
    for (const speed of speeds) {
      const log = join(dir, 'log')
      const result = await replayVirtually(recording, { speed, log })
      assert.is(failures(result), '')
      for (const { session, positions, discs, qcReadings, qcOk, staleStops, msInRun, msInHold, msInStop } of result.report.sessions) {
        const { gapsOverMs, durationMs, ...counts } = expected[session]!
        assert.equal({ positions, discs, qcReadings, qcOk }, counts)
        assert.is(staleStops, gapsOverMs[50 * speed])
        assert.ok(Math.abs(msInRun + msInHold + msInStop - durationMs / speed) < 0.01)
      }
      const first = await readFile(log, 'utf8')
      await replayVirtually(recording, { speed, log })
      assert.is(await readFile(log, 'utf8'), first)
    }
  })
})

test('runs on a grid and a system that are given, again and again, and leaves them open', async () => {
  const clock = createVirtualClock({ startMs: 1234.5 })
  await using grid = await openGrid({ clock })
  await using system = createSystem({ grid })
  const events = [
    { type: 'disc', tMs: 9 },
    { type: 'disc', tMs: 20 },
    { type: 'reading', tMs: 30, distanceMm: 1.5 },
    { type: 'disc', tMs: 40 },
    { type: 'reading', tMs: 50, distanceMm: 1.5 },
  ] as const
  const recording = recordingOf(sessionOf('a', times(0, 400, 700, 400), events))
  const first = await replay(recording, { grid, system, speed: 10 })
  const second = await replay(recording, { grid, system, speed: 10 })
  assert.is(failures(first), '')
  assert.is(failures(second), '')
  assert.equal(second.report, first.report)
  assert.equal(system.agents, [])
  assert.is(grid.map('robots').size, 1)
  assert.equal(grid.map('quality').peek('a')?.value, { distanceMm: 1.5, ok: false })
  assert.equal(grid.map('safety').peek('a')?.value, { state: 'RUN' })
  // The robot has taken every disc off the map when it was done with it.
  assert.is(grid.map('parts').size, 0)
  assert.is(clock.pending, 0)
})

test('a put that is lost makes the checks fail', async () => {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const robots = grid.map('robots')
  const put = robots.put.bind(robots)
  let calls = 0
  robots.put = (async (...args: Parameters<GridMap<unknown>['put']>) => (++calls === 3 ? undefined : put(...args))) as typeof robots.put
  const result = await replay(recordingOf(sessionOf('a', times(0, 30, 30, 30))), { grid })
  assert.not(result.pass)
  assert.match(failures(result), 'a: 3 positions seen of 4')
})

test('a put that is refused ends the replay with that error', async () => {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const quality = grid.map('quality')
  quality.put = async () => {
    throw new Error('no room')
  }
  const recording = recordingOf(sessionOf('a', times(0, 30, 30, 30), [{ type: 'reading', tMs: 5, distanceMm: 1 }]))
  const error = await replay(recording, { grid }).catch((reason: Error) => reason.message)
  assert.is(error, 'no room')
  assert.is(clock.pending, 0)
})

test('the signal ends it at once: ABORTED, no log, nothing left running', async () => {
  await inFolder(async (dir) => {
    const recording = recordingOf(sessionOf('a', times(0, ...Array.from({ length: 500 }, () => 100))))
    for (const afterRows of [0, 100]) {
      const clock = createVirtualClock()
      const grid = await openGrid({ clock })
      const stop = new AbortController()
      let rows = 0
      grid.map('robots').watch(() => ++rows === afterRows && stop.abort())
      if (afterRows === 0) stop.abort()
      const error: unknown = await replay(recording, { grid, signal: stop.signal, log: join(dir, 'log') }).catch(
        (reason: unknown) => reason,
      )
      assert.ok(isSwarmError(error, 'ABORTED'), String(error))
      assert.match(error.message, `interrupted after ${afterRows} of 501 rows`)
      assert.is(clock.pending, 0)
      assert.equal(await readdir(dir), [])
      await grid.close()
    }
  })
})

test('on the real clock rows that are all due at once are put in order, and the signal is heard between them', async () => {
  const stop = new AbortController()
  const recording = recordingOf(sessionOf('a', times(0, ...Array.from({ length: 3000 }, () => 0), 1)))
  const result = await replay(recording, { speed: 1000 })
  assert.is(failures(result), '')
  setImmediate(() => stop.abort())
  const error: unknown = await replay(recording, { speed: 1000, signal: stop.signal }).catch((reason: unknown) => reason)
  assert.ok(isSwarmError(error, 'ABORTED'), String(error))
  const [, rows] = /after (\d+) of 3002 rows/.exec(error.message)!
  assert.ok(Number(rows) < 3000, `heard after ${rows} rows`)
})

test('options that are refused', async () => {
  const recording = recordingOf(sessionOf('a', [0]))
  const refused = async (options: Parameters<typeof replay>[1], message: string | RegExp): Promise<void> => {
    const error: unknown = await replay(recording, options).catch((reason: unknown) => reason)
    assert.ok(isSwarmError(error, 'BAD_OPTION'), String(error))
    if (message instanceof RegExp) assert.match(error.message, message)
    else assert.is(error.message, message)
  }
  for (const speed of [0, -1, NaN, 1001]) await refused({ speed }, `speed is ${speed}: give a number above 0, up to 1000`)
  await refused({ limitMs: -3 }, 'limitMs is -3: give milliseconds above 0')
  await refused({ limitMs: 50, holdMs: 51 }, /^holdMs is 51 and limitMs is 50: /)
  await refused({ log: '/no/such/folder/log' }, /^log "\/no\/such\/folder\/log" cannot be written \(ENOENT\); give /)
  await using grid = await openGrid()
  await refused({ grid, clock: createVirtualClock() }, /^clock is not the clock of grid/)
  await using system = createSystem({ grid })
  await refused({ system }, /^system runs on another grid/)
})

test('a session that would last longer than microseconds can be told is refused, not replayed for ever', async () => {
  const farMs = 8.64e15
  const recording = recordingOf(sessionOf('a', [0]), sessionOf('b', [-farMs, farMs - 100, farMs]))
  const error: unknown = await replayVirtually(recording).catch((reason: unknown) => reason)
  assert.ok(isSwarmError(error, 'BAD_OPTION'), String(error))
  assert.match(error.message, /^session "b" lasts 17280000000000000 ms, at speed 1 longer than the 4398046511104 ms that can be replayed: /)
  const events = [
    { type: 'disc', tMs: 0 },
    { type: 'disc', tMs: 9000 },
  ] as const
  const slow: unknown = await replayVirtually(recordingOf(sessionOf('a', [0], events)), { speed: 1e-9 }).catch((reason: unknown) => reason)
  assert.match(String(slow), /session "a" lasts 9000 ms, at speed 1e-9 longer/)
  // As long as may be, with a silence at the end.
  const result = await replayVirtually(recordingOf(sessionOf('a', times(0, 2 ** 42 - 200, 50, 51, 50))))
  assert.is(failures(result), '')
  assert.is(result.report.totals.staleStops, 2)
})

test('a log that cannot get its name fails the replay and leaves no draft', async () => {
  await inFolder(async (dir) => {
    const log = join(dir, 'taken')
    await mkdir(join(log, 'full'), { recursive: true })
    const error: unknown = await replayVirtually(recordingOf(sessionOf('a', [0])), { log }).catch((reason: unknown) => reason)
    assert.ok(isSwarmError(error, 'BAD_OPTION'), String(error))
    assert.equal(await readdir(dir), ['taken'])
  })
})

test.run()
