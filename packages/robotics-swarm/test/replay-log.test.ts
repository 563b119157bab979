import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Recording } from '../src/recording/recording.ts'
import { checkLog, type LogCheck } from '../src/replay/check-log.ts'
import type { LogLine } from '../src/replay/replay-log.ts'
import { inFolder } from './recording-kit.ts'
import { recordingOf, replayVirtually, sessionOf, times } from './replay-kit.ts'

const test = suite('replay: log checker')

const recording = recordingOf(sessionOf('a', times(7, 100, 600, 100, 501)), sessionOf('b', times(5, 499, 501)))

/** Replays, lets the lines be changed, and checks the log. */
async function checked(
  change: (lines: LogLine[]) => readonly LogLine[] = (lines) => lines,
  against: Recording = recording,
): Promise<LogCheck> {
  return inFolder(async (dir) => {
    const log = join(dir, 'log.jsonl')
    await replayVirtually(recording, { speed: 10, log })
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n')
    const changed = change(lines.map((line) => JSON.parse(line) as LogLine))
    await writeFile(log, changed.map((line) => JSON.stringify(line)).join('\n'))
    return checkLog(log, against)
  })
}

test('a good log: stops and intervals agree, and on the virtual clock nothing is late', async () => {
  const { sessions, differences, problems } = await checked()
  assert.equal(problems, [])
  assert.equal(differences, [])
  assert.equal(
    sessions.map(({ latestMs, ...rest }) => [rest, Math.round(latestMs * 1000)]),
    [
      [{ session: 'a', rows: 5, stops: 2, longIntervals: 2, recordedGaps: 2 }, 0],
      [{ session: 'b', rows: 3, stops: 1, longIntervals: 1, recordedGaps: 1 }, 0],
    ],
  )
})

test('a stop that was logged and none that was not: both are found', async () => {
  const silent = await checked((lines) => lines.filter((line) => line.type !== 'stop' || line.session === 'b'))
  assert.equal(silent.problems, [
    'a: row 2 came after 60 ms, but no stop was logged',
    'a: row 4 came after 50.099999999999994 ms, but no stop was logged',
    'the log ends with 8 rows and 3 stops, but has 8 and 1',
  ])
  const invented = await checked((lines) => [...lines, { type: 'stop', session: 'a', afterSeq: 0, atMs: 1, ageMs: 51, seenBy: 'row' }])
  assert.equal(invented.problems, [
    'a: row 1 came after 10 ms, and a stop was logged',
    'the log ends with 8 rows and 3 stops, but has 8 and 4',
  ])
  const twice = await checked((lines) => lines.flatMap((line) => (line.type === 'stop' && line.session === 'b' ? [line, line] : [line])))
  assert.equal(twice.problems, ['b: a silence was logged as two stops', 'the log ends with 8 rows and 3 stops, but has 8 and 4'])
})

test('rows that came late are told with their lateness', async () => {
  const late = (lines: LogLine[]): LogLine[] =>
    lines.flatMap((line): LogLine[] => {
      if (line.type === 'row' && line.session === 'b' && line.seq === 1) return [{ ...line, acceptedAtMs: line.acceptedAtMs + 2 }]
      // Two milliseconds earlier in the interval: no stop any more; the first interval became one.
      if (line.type === 'stop' && line.session === 'b') return [{ ...line, afterSeq: 0 }]
      return [line]
    })
  const { problems, differences } = await checked(late)
  assert.equal(problems, [])
  const round = (ms: number): number => Math.round(ms * 1000) / 1000
  assert.equal(
    differences.map((found) => ({
      ...found,
      acceptedGapMs: round(found.acceptedGapMs),
      latenessMs: round(found.latenessMs),
      previousLatenessMs: round(found.previousLatenessMs),
    })),
    [
      { session: 'b', seq: 1, kind: 'added', recordedGapMs: 499, acceptedGapMs: 51.9, latenessMs: 2, previousLatenessMs: 0 },
      { session: 'b', seq: 2, kind: 'missing', recordedGapMs: 501, acceptedGapMs: 48.1, latenessMs: 0, previousLatenessMs: 2 },
    ],
  )
})

test('a row that is missing, a row that is another, a log without its end', async () => {
  const fewer = await checked((lines) => lines.filter((line) => !(line.type === 'row' && line.session === 'b' && line.seq === 2)))
  assert.ok(fewer.problems.includes('b: 2 rows logged of 3'))
  assert.ok(fewer.problems.includes('b: a stop after row 1, which no row ended'))
  const other = await checked(undefined, recordingOf(sessionOf('a', times(7, 100, 600, 100, 502)), recording.sessions[1]!))
  assert.equal(other.problems, ['a: row 4 is not the recorded one'])
  const cut = await checked((lines) => lines.slice(0, -1))
  assert.match(cut.problems.join(), /no whole log, its last line is missing$/)
})

test.run()
