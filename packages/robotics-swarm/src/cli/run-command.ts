import { openGrid } from '@stigmergy/grid'
import type { CliIo, Command, CommandSpec, ExitCode, ParsedArguments } from '@stigmergy/grid/cli'
import type { PickTimeLaw } from '../sim/options.ts'
import { type RunProgress, type RunReport, simulate } from '../sim/run.ts'
import { chooseClock } from './clock-option.ts'
import { optional } from './optional.ts'
import { table } from './table.ts'
import { startCliTelemetry, telemetryOption } from './telemetry-option.ts'

const spec: CommandSpec = {
  name: 'run',
  positionals: [],
  summary:
    'Simulate a cell from a seed and hold it against Erlang’s formula.\nParts come at random (Poisson); the first free robot along the belt takes each one, else it is missed.',
  options: {
    robots: { kind: 'number', placeholder: 'N', help: 'robots along the belt', defaultText: '4' },
    'offered-load': { kind: 'number', placeholder: 'A', help: 'arrival rate times mean pick time', defaultText: '3' },
    parts: { kind: 'number', placeholder: 'N', help: 'parts to send', defaultText: '20000' },
    'pick-time': { kind: 'text', placeholder: 'LAW', help: 'deterministic or exponential', defaultText: 'deterministic' },
    'pick-ms': { kind: 'number', placeholder: 'MS', help: 'mean time of one pick and place', defaultText: '1000' },
    'belt-speed': { kind: 'number', placeholder: 'M/S', help: 'speed of the belt', defaultText: '0.2' },
    seed: { kind: 'number', placeholder: 'N', help: 'the same seed gives the same run', defaultText: '1' },
    clock: {
      kind: 'text',
      placeholder: 'CLOCK',
      help: 'virtual: as fast as the machine can; real: as a cell would',
      defaultText: 'virtual',
    },
    prometheus: telemetryOption,
    json: { kind: 'flag', help: 'print one JSON object instead of the table' },
  },
  examples: ['swarm run', 'swarm run --robots 8 --offered-load 6 --parts 400000 --pick-time exponential --seed 7 --json'],
}

/** `swarm run`: a line a second while it runs, then the table; with `--json` only the object goes to `out`. */
export const runCommand: Command = { spec, run }

async function run(parsed: ParsedArguments, io: CliIo): Promise<ExitCode> {
  const clock = chooseClock(parsed.text('clock') ?? 'virtual')
  const options = {
    ...optional('robots', parsed.number('robots')),
    ...optional('offeredLoad', parsed.number('offered-load')),
    ...optional('parts', parsed.number('parts')),
    ...optional('pickTime', parsed.text('pick-time') as PickTimeLaw | undefined),
    ...optional('pickMs', parsed.number('pick-ms')),
    ...optional('seed', parsed.number('seed')),
    ...optional('beltSpeed', parsed.number('belt-speed')),
  }
  const json = parsed.flag('json')
  const say = json ? io.err : io.out
  const grid = await openGrid({ clock })
  const startedMs = performance.now()
  try {
    const telemetry = await startCliTelemetry(grid, parsed.number('prometheus'), io)
    try {
      const report = await simulate(options, {
        grid,
        signal: io.signal,
        onProgress: (progress) => say(progressLine(progress, performance.now() - startedMs)),
        ...(telemetry.hooks && { telemetry: telemetry.hooks }),
      })
      io.out(json ? JSON.stringify(report) : runTable(report))
      return report.pass ? 0 : 1
    } finally {
      await telemetry.close()
    }
  } finally {
    await grid.close()
  }
}

/** `sim 1234 s (x 620) | parts 3702 in, 2930 picked, 760 missed (20.6 %) | 12 on the belt` */
export function progressLine(progress: RunProgress, elapsedMs: number): string {
  const { simulatedMs, parts, picked, missed, onBelt } = progress
  const share = picked + missed === 0 ? 0 : (100 * missed) / (picked + missed)
  const speed = elapsedMs > 0 ? simulatedMs / elapsedMs : 0
  return `sim ${(simulatedMs / 1000).toFixed(0)} s (x ${speed.toFixed(0)}) | parts ${parts} in, ${picked} picked, ${missed} missed (${share.toFixed(1)} %) | ${onBelt} on the belt`
}

/** The final table: what was measured, what Erlang’s formula says, PASS or FAIL. */
export function runTable(report: RunReport): string {
  const digits = (name: string): number => (name.startsWith('miss rate') || name.startsWith('load') ? 4 : 0)
  const rows = report.checks.map(({ name, measured, expected, tolerance, pass }) => {
    const d = digits(name)
    return [name, measured.toFixed(d), expected.toFixed(d), tolerance.toFixed(d), pass ? 'PASS' : 'FAIL']
  })
  const { robots, offeredLoad, pickTime, seed, simulatedSeconds, transitions, gridPuts, mapEvents } = report
  return [
    `${robots} robots, offered load ${offeredLoad}, ${pickTime} pick times, seed ${seed}, ${simulatedSeconds.toFixed(0)} s simulated`,
    table([['', 'measured', 'expected', 'within', ''], ...rows]),
    `${transitions} transitions, ${gridPuts} grid puts, ${mapEvents} map events`,
    report.pass ? 'PASS' : 'FAIL',
  ].join('\n\n')
}
