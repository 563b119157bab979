import { createFieldChecks } from './fields.ts'
import { readTable } from './read-table.ts'
import { type CellEvent, EVENT_COLUMNS } from './recording.ts'

/** The events of one session. */
export interface EventStream {
  readonly startMs: number
  readonly events: readonly CellEvent[]
}

/**
 * Reads the file of events, all of it; keeps what a cell acts on, of the sessions that are wanted.
 * The logger wrote each source of a session as a block of its own, so time must grow within a source, and the sources are merged here.
 */
export async function readEvents(
  file: string,
  wanted: (session: string) => boolean,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, EventStream>> {
  const sessions = new Map<string, { startMs: number; gate: string | undefined; readonly keep: boolean; readonly events: CellEvent[] }>()
  const checks = createFieldChecks(file)
  await readTable(file, {
    columns: EVENT_COLUMNS,
    signal,
    onRow([session, time, source, tag, value, status], line) {
      const name = checks.session(session!, line)
      const tMs = checks.time(`session ${name}, source ${source!}`, time!, line)
      checks.status(status!, line)
      let stream = sessions.get(name)
      if (!stream) sessions.set(name, (stream = { startMs: tMs, gate: undefined, keep: wanted(name), events: [] }))
      stream.startMs = Math.min(stream.startMs, tMs)
      if (source === 'Gate' && tag === 'GateState') {
        // Only a change counts: a logger may well repeat a state that did not change.
        if (value === 'open' && stream.gate !== 'open' && stream.keep) stream.events.push({ type: 'disc', tMs })
        stream.gate = value!
      } else if (source === 'Quality Control' && tag === 'DistanceAbs') {
        const distanceMm = checks.decimal('value of DistanceAbs', value!, line)
        if (stream.keep) stream.events.push({ type: 'reading', tMs, distanceMm })
      }
    },
  })
  // The sort is stable: rows of one source keep their order at equal times.
  for (const { events } of sessions.values()) events.sort((a, b) => a.tMs - b.tMs)
  return sessions
}
