import { gridCommands, runCommandLine, type CliIo, type Command, type CommandGroup, type ExitCode } from '@stigmergy/grid/cli'
import { check } from './check.ts'
import { operators } from './operators.ts'

/** What each package brings, and what needs more than one of them. */
const ENTRIES: readonly (Command | CommandGroup)[] = [gridCommands, check, operators]

/** The program `stigmergy`. Never throws: bad input becomes one line on `io.err` and exit code 2. */
export function main(args: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommandLine({ name: 'stigmergy', about: 'agents that share one memory' }, ENTRIES, args, io)
}
