import { gridCommands, runCommandLine, type CliIo, type Command, type CommandGroup, type ExitCode } from '@stigmergy/grid/cli'

/** What each package brings: it names its own commands and knows no other package's. */
const ENTRIES: readonly (Command | CommandGroup)[] = [gridCommands]

/** The program `stigmergy`. Never throws: bad input becomes one line on `io.err` and exit code 2. */
export function main(args: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommandLine('stigmergy', ENTRIES, args, io)
}
