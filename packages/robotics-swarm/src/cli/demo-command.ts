import { parseArguments, type CliIo, type Command, type CommandSpec, type ExitCode } from '@stigmergy/grid/cli'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateRecording } from '../recording/generate-recording.ts'
import { replayCommand } from './replay-command.ts'
import { runCommand } from './run-command.ts'

const spec: CommandSpec = {
  name: 'demo',
  positionals: [],
  summary: 'The main job in under a minute: a simulated cell, then a recording with gaps and its safety stops.',
  options: {},
  examples: ['swarm demo'],
}

const NEXT = `What to do next
  npx -y pnpm@10.34.9 swarm run --robots 8 --offered-load 6     another cell; see swarm run --help
  npx -y pnpm@10.34.9 swarm replay DIR --speed 20               a recording of your own; see swarm replay --help
  npx -y pnpm@10.34.9 swarm run --clock real --parts 300 --prometheus 9464
                                                                watch it live at http://127.0.0.1:9464/metrics
  examples/01-hello.ts                                          the first program, 40 lines`

/** `swarm demo`: needs nothing outside the repository. */
export const demo: Command = { spec, run: (_, io) => show(io) }

async function show(io: CliIo): Promise<ExitCode> {
  io.out('1. Four robots pick parts from a belt. Every part goes through agents and the shared maps.\n')
  const simulated = await as(runCommand, ['--parts', '40000', '--seed', '1'], io)

  io.out('\n2. Three recorded cells, played 20 times as fast. A robot that is silent for over 50 ms stops its cell.\n')
  const dir = await mkdtemp(join(tmpdir(), 'stigmergy-demo-'))
  try {
    const recording = join(dir, 'recording')
    await generateRecording(recording, { seed: 1, sessions: 3 })
    const replayed = await as(replayCommand, [recording, '--speed', '20', '--clock', 'virtual'], io)
    io.out(`\n${NEXT}`)
    return simulated === 0 && replayed === 0 ? 0 : 1
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The command as a user would have typed it. */
function as(command: Command, args: readonly string[], io: CliIo): Promise<ExitCode> {
  return command.run(parseArguments(`swarm ${command.spec.name}`, command.spec, args), io)
}
