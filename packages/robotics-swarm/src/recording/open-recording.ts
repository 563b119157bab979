import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmError } from '../errors.ts'
import { readEvents } from './read-events.ts'
import { readPositions } from './read-positions.ts'
import { EVENT_FILE, POSITION_FILE, type Recording } from './recording.ts'

export interface OpenRecordingOptions {
  /** Sessions to keep. @default all */
  readonly sessions?: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * Reads a recording: a folder with `robot_position.csv.gz` (session, t_ms, x_m, y_m, z_m, status) and `cell_events.csv.gz`
 * (session, t_ms, source, tag, value, status). Columns are found by name; a plain `.csv` is taken where there is no `.csv.gz`.
 * Every row of both files is checked before this returns, also the rows of sessions that were not asked for.
 * Throws `SwarmError` BAD_RECORDING (one line: what is wrong, in which file and line), UNKNOWN_SESSION, BAD_OPTION, ABORTED.
 */
export async function openRecording(dir: string, options: OpenRecordingOptions = {}): Promise<Recording> {
  const asked = options.sessions && new Set(options.sessions)
  if (asked?.size === 0) throw new SwarmError('BAD_OPTION', 'sessions is an empty list; name at least one session, or leave it out for all')
  if (asked?.has(''))
    throw new SwarmError(
      'BAD_OPTION',
      `sessions is ${JSON.stringify(options.sessions?.join(','))}, where a name is empty; put one comma between two names, none at the ends`,
    )
  await checkFolder(dir)
  const [positionFile, eventFile] = await Promise.all([findTable(dir, POSITION_FILE), findTable(dir, EVENT_FILE)])
  const wanted = (session: string): boolean => asked?.has(session) ?? true
  // One after the other: with both at once it would be chance which of two errors is told.
  const positions = await readPositions(positionFile, wanted, options.signal)
  const streams = await readEvents(eventFile, wanted, options.signal)
  if (positions.size === 0) throw new SwarmError('BAD_RECORDING', `${positionFile}: no rows after the header; there is nothing to replay`)

  const names = [...new Set([...positions.keys(), ...streams.keys()])]
  const unknown = [...(asked ?? [])].filter((session) => !names.includes(session))
  if (unknown.length > 0)
    throw new SwarmError(
      'UNKNOWN_SESSION',
      `${dir}: no session ${unknown.map((name) => JSON.stringify(name)).join(', ')}; it holds ${names.join(', ')}`,
    )

  const none = new Float64Array()
  const sessions = names.filter(wanted).map((session) => ({
    session,
    positions: positions.get(session) ?? { rows: 0, tMs: none, xM: none, yM: none, zM: none, status: none },
    events: streams.get(session)?.events ?? [],
    eventsStartMs: streams.get(session)?.startMs,
  }))
  return { dir, sessions }
}

async function checkFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch(() => undefined)
  const hint = `give the folder that holds ${POSITION_FILE}.gz and ${EVENT_FILE}.gz`
  if (!found) throw new SwarmError('BAD_RECORDING', `${dir}: there is no such folder; ${hint}`)
  if (!found.isDirectory()) throw new SwarmError('BAD_RECORDING', `${dir}: this is no folder; ${hint}`)
}

/** The gzipped file comes first: it is the form in which recordings travel. */
async function findTable(dir: string, name: string): Promise<string> {
  for (const candidate of [`${name}.gz`, name]) {
    const file = join(dir, candidate)
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile()) return file
  }
  throw new SwarmError('BAD_RECORDING', `${dir}: ${name}.gz is missing (a plain ${name} would do as well)`)
}
