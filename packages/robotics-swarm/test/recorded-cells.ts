import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { findRecording } from '../src/recording/find-recording.ts'
import { generateRecording } from '../src/recording/generate-recording.ts'
import { openRecording } from '../src/recording/open-recording.ts'
import type { Recording } from '../src/recording/recording.ts'
import { countExpected, type ExpectedSession, type RecordingRows } from '../src/recording/rows.ts'
import { inFolder, ROOT } from './recording-kit.ts'

export interface RecordedCells {
  readonly recording: Recording
  /** Counted here from the raw rows, without the reader that is tested. */
  readonly expected: Readonly<Record<string, ExpectedSession>>
  /** What the recording's publisher says, where a file beside it does. */
  readonly published: Readonly<Record<string, ExpectedSession>> | undefined
}

/** The recorded cells, if this machine has them (STIGMERGY_DATA, else the data folder beside the repository), else generated ones. */
export async function recordedCells(gapsOverMs: readonly number[]): Promise<RecordedCells> {
  const load = async (dir: string): Promise<RecordedCells> => ({
    recording: await openRecording(dir),
    expected: countExpected(await readRows(dir), gapsOverMs),
    published: await readFile(join(dir, 'expected.json'), 'utf8').then(
      (text) => JSON.parse(text) as Record<string, ExpectedSession>,
      () => undefined,
    ),
  })
  const found = await findRecording({ root: ROOT })
  if (found !== undefined) return load(found)
  return inFolder(async (dir) => {
    await generateRecording(join(dir, 'made'), { seed: 20, sessions: 12, rows: 300, gaps: 12 })
    return load(join(dir, 'made'))
  })
}

/** The session that takes the least time to replay. */
export function shortest({ dir, sessions }: Recording): Recording {
  const durationMs = ({ positions: { tMs } }: Recording['sessions'][number]): number => (tMs.length < 2 ? Infinity : tMs.at(-1)! - tMs[0]!)
  const [first] = sessions.toSorted((a, b) => durationMs(a) - durationMs(b))
  return { dir, sessions: [first!] }
}

/** As plain as can be: good for files without quotes only. */
async function readRows(dir: string): Promise<RecordingRows> {
  const table = async (name: string): Promise<Record<string, string>[]> => {
    const text = await readFile(join(dir, `${name}.csv.gz`)).then(
      (bytes) => gunzipSync(bytes).toString(),
      () => readFile(join(dir, `${name}.csv`), 'utf8'),
    )
    const [header, ...lines] = text.trim().split(/\r?\n/)
    const columns = header!.split(',')
    return lines.map((line) => Object.fromEntries(line.split(',').map((field, i) => [columns[i]!, field])))
  }
  const positions = await table('robot_position')
  const events = await table('cell_events')
  return {
    positions: positions.map((row) => ({ session: row['session']!, tMs: Number(row['t_ms']), xM: 0, yM: 0, zM: 0 })),
    events: events.map((row) => ({
      session: row['session']!,
      tMs: Number(row['t_ms']),
      source: row['source']!,
      tag: row['tag']!,
      value: row['value']!,
    })),
  }
}
