import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import type { CliIo, Command, CommandSpec, ExitCode, ParsedArguments } from '@stigmergy/grid/cli'
import { openRecording } from '../recording/open-recording.ts'
import { resolveReplayOptions } from '../replay/options.ts'
import type { ReplayProgress } from '../replay/progress.ts'
import { replay } from '../replay/replay.ts'
import type { ReplayReport } from '../replay/report.ts'
import { chooseClock } from './clock-option.ts'
import { optional } from './optional.ts'
import { table } from './table.ts'
import { startCliTelemetry, telemetryOption } from './telemetry-option.ts'
import { userPath } from './user-path.ts'

const spec: CommandSpec = {
  name: 'replay',
  summary:
    'Play a recording of robot cells, with the safety stop on the age of each robot’s position.\nDIR holds robot_position.csv.gz (session, t_ms, x_m, y_m, z_m, status) and cell_events.csv.gz (session, t_ms, source, tag, value, status).',
  positionals: ['DIR'],
  options: {
    speed: { kind: 'number', placeholder: 'S', help: 'play S times as fast as recorded', defaultText: '1' },
    sessions: { kind: 'text', placeholder: 'A,B', help: 'only these sessions', defaultText: 'all' },
    'limit-ms': { kind: 'number', placeholder: 'MS', help: 'age above which a cell stops', defaultText: '50' },
    'hold-ms': { kind: 'number', placeholder: 'MS', help: 'age above which a cell holds', defaultText: 'the limit' },
    clock: { kind: 'text', placeholder: 'CLOCK', help: 'real: in real time; virtual: as fast as the machine can', defaultText: 'real' },
    log: { kind: 'text', placeholder: 'FILE', help: 'write every accepted row and every stop, one JSON object a line' },
    prometheus: telemetryOption,
    json: { kind: 'flag', help: 'print one JSON object instead of the table' },
  },
  examples: [
    'swarm replay recordings/cell-7 --speed 20',
    'swarm replay recordings/cell-7 --speed 10 --clock virtual --sessions mon,tue --json',
  ],
}

/** `swarm replay`: a line a second while it plays, then the table; with `--json` only the object goes to `out`. */
export const replayCommand: Command = { spec, run }

async function run(parsed: ParsedArguments, io: CliIo): Promise<ExitCode> {
  const clock = chooseClock(parsed.text('clock') ?? 'real')
  const limits = {
    ...optional('speed', parsed.number('speed')),
    ...optional('limitMs', parsed.number('limit-ms')),
    ...optional('holdMs', parsed.number('hold-ms')),
  }
  const log = parsed.text('log')
  resolveReplayOptions(limits)
  const json = parsed.flag('json')
  const say = json ? io.err : io.out
  const sessions = parsed
    .text('sessions')
    ?.split(',')
    .map((name) => name.trim())
  const recording = await openRecording(userPath(parsed.positional(0) ?? '', io.env), {
    signal: io.signal,
    ...optional('sessions', sessions),
  })
  const grid = await openGrid({ clock })
  try {
    const telemetry = await startCliTelemetry(grid, parsed.number('prometheus'), io)
    const system = createSystem({ grid, ...optional('hooks', telemetry.hooks?.core) })
    try {
      const { report, checks, pass } = await replay(recording, {
        ...limits,
        grid,
        system,
        signal: io.signal,
        onProgress: (progress) => say(progressLine(progress)),
        ...optional('log', log === undefined ? undefined : userPath(log, io.env)),
        ...optional('observeAge', telemetry.hooks?.observeAge),
      })
      io.out(json ? JSON.stringify(report) : replayTable(report))
      for (const check of checks) if (!check.pass) io.err(`FAIL ${check.name}: ${check.detail}`)
      if (!json) io.out(pass ? '\nPASS' : '\nFAIL')
      if (report.totals.staleStops * 2 > report.totals.positions) say(TOO_SLOW_FOR_LIMIT)
      return pass ? 0 : 1
    } finally {
      await system.close()
      await telemetry.close()
    }
  } finally {
    await grid.close()
  }
}

const TOO_SLOW_FOR_LIMIT =
  'Most rows came later than the limit: at this speed the recording’s own interval is too long for it. Try a higher --speed or --limit-ms.'

function progressLine({ elapsedMs, rows, totalRows, discs, staleStops, cells, stopped }: ReplayProgress): string {
  const share = ((100 * rows) / Math.max(1, totalRows)).toFixed(0)
  return `${(elapsedMs / 1000).toFixed(0)} s | ${share} % of the rows | ${discs} discs | ${staleStops} stops | ${cells} cells, ${stopped} of them stopped`
}

/** One line per session: what the watchers of the maps saw, and how long each cell ran, held and stood. */
export function replayTable({ sessions, totals }: ReplayReport): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1)
  const row = (name: string, r: ReplayReport['totals']): string[] => [
    name,
    ...[r.positions, r.discs, r.qcReadings, r.qcOk, r.staleStops].map(String),
    ...[r.msInRun, r.msInHold, r.msInStop].map(seconds),
  ]
  return table([
    ['session', 'positions', 'discs', 'readings', 'ok', 'stops', 's in RUN', 's in HOLD', 's in STOP'],
    ...sessions.map((session) => row(session.session, session)),
    row('all', totals),
  ])
}
