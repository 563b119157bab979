import { join } from 'node:path'
import * as assert from 'uvu/assert'
import type { Recording } from '../src/recording/recording.ts'
import { checkLog } from '../src/replay/check-log.ts'
import { replay } from '../src/replay/replay.ts'
import { inFolder } from './recording-kit.ts'
import { failures } from './replay-kit.ts'

/** Replays on the real clock and lets the separate checker judge the log; prints where real time made another story of the file. */
export async function replayReally(recording: Recording, speed: number): Promise<void> {
  await inFolder(async (dir) => {
    const log = join(dir, 'log.jsonl')
    const result = await replay(recording, { speed, log })
    assert.is(failures(result), '')
    const { sessions, differences, problems } = await checkLog(log, recording)
    assert.equal(problems, [])
    assert.equal(
      sessions.map(({ session, stops, rows }) => [session, stops, rows]),
      result.report.sessions.map(({ session, staleStops, positions }) => [session, staleStops, positions]),
    )
    for (const { stops, longIntervals } of sessions) assert.is(stops, longIntervals)
    const latestMs = Math.max(...sessions.map((session) => session.latestMs))
    const [gaps, stops] = [sessions.reduce((sum, { recordedGaps }) => sum + recordedGaps, 0), result.report.totals.staleStops]
    console.log(`real clock, x${speed}: ${stops} stops, ${gaps} recorded gaps, latest row ${latestMs.toFixed(1)} ms late`)
    for (const { session, seq, kind, recordedGapMs, acceptedGapMs, latenessMs, previousLatenessMs } of differences)
      console.log(
        `  ${kind} stop: ${session} row ${seq}, recorded ${recordedGapMs} ms, accepted after ${acceptedGapMs.toFixed(3)} ms,` +
          ` ${latenessMs.toFixed(3)} ms late (the row before ${previousLatenessMs.toFixed(3)} ms)`,
      )
  })
}
