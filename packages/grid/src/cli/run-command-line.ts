import { GridError } from '../errors.ts'
import { parseArguments } from './arguments.ts'
import { nameOf, type CliIo, type Command, type CommandGroup, type CommandSpec, type ExitCode, type Program } from './command.ts'
import { commandHelp, groupHelp, programHelp } from './help.ts'
import { suggestion } from './suggestion.ts'

const HELP = new Set(['help', '--help', '-h'])

/**
 * Runs `program COMMAND …` and `program GROUP COMMAND …`. Never throws: bad input becomes one line on `err` and exit code 2. Packages bring
 * commands and groups; none of them needs to know another.
 */
export async function runCommandLine(
  program: Program,
  entries: readonly (Command | CommandGroup)[],
  args: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  const [name, ...rest] = args[0] === '--' ? args.slice(1) : args
  if (name === undefined || HELP.has(name)) {
    io.out(programHelp(program, entries))
    return 0
  }
  try {
    const entry = entries.find((each) => nameOf(each) === name)
    if (entry === undefined) throw unknown(program.name, name, entries)
    const called = `${program.name} ${name}`
    return await ('commands' in entry ? runGroup(called, entry, rest, io) : runCommand(called, entry, rest, io))
  } catch (error) {
    if (io.signal.aborted) {
      if (isExpected(error)) io.err(error.message)
      return 130
    }
    io.err(isExpected(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))
    return isExpected(error) ? 2 : 1
  }
}

async function runGroup(program: string, group: CommandGroup, [name, ...rest]: readonly string[], io: CliIo): Promise<ExitCode> {
  if (name === undefined || HELP.has(name)) {
    io.out(groupHelp(program, group))
    return 0
  }
  const command = group.commands.find((each) => nameOf(each) === name)
  if (command === undefined) throw unknown(program, name, group.commands)
  return runCommand(`${program} ${name}`, command, rest, io)
}

async function runCommand(program: string, command: Command, args: readonly string[], io: CliIo): Promise<ExitCode> {
  if (args.includes('--help') || args.includes('-h')) {
    io.out(commandHelp(program, command.spec))
    return 0
  }
  const parsed = parseArguments(program, command.spec, args)
  try {
    return await command.run(parsed, io)
  } catch (error) {
    throw inTermsOfOptions(error, command.spec)
  }
}

// A library names its field (`offeredLoad is 0`); here the user wrote `--offered-load`.
function inTermsOfOptions(error: unknown, { options }: CommandSpec): unknown {
  if (!isExpected(error) || error.code !== 'BAD_OPTION') return error
  const [field = ''] = /^\w+(?= is )/.exec(error.message) ?? []
  const option = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  if (!Object.hasOwn(options, option)) return error
  return new GridError('BAD_OPTION', `--${option}${error.message.slice(field.length)}`, { cause: error })
}

function unknown(program: string, name: string, known: readonly (Command | CommandGroup)[]): GridError {
  return new GridError('BAD_OPTION', `${program}: unknown command '${name}'${suggestion(name, known.map(nameOf))} (see: ${program} --help)`)
}

// Errors of our packages carry a code and say what to do; anything else is a fault of ours and shows where it came from.
function isExpected(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error && /^(Store|Grid|Core|Telemetry|Swarm)Error$/.test(error.name)
}
