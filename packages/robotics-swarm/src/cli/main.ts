import { runCommandLine, type CliIo, type ExitCode, type Program } from '@stigmergy/grid/cli'
import { demo } from './demo-command.ts'
import { replayCommand } from './replay-command.ts'
import { runCommand } from './run-command.ts'

const PROGRAM: Program = {
  name: 'swarm',
  about: 'robots on a conveyor that share one memory',
  exitCodes: [
    ['0', 'the run ended and its own checks hold'],
    ['1', 'the run ended and a check failed'],
    ['2', 'bad input: one line says what and where'],
    ['130', 'interrupted'],
  ],
  notes:
    'Every agent is an XState actor; every part goes through the shared maps. The safety stop shown here is an\noperational stop, not a rated safety channel.',
}

/** Runs the command line. Never throws: bad input becomes one line on `err` and exit code 2. */
export function main(args: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommandLine(PROGRAM, [runCommand, replayCommand, demo], args, io)
}
