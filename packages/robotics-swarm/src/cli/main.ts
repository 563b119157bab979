import { isSwarmError, SwarmError } from '../errors.ts'
import { type CommandSpec, suggestion } from './arguments.ts'
import { demo, demoSpec } from './demo-command.ts'
import { commandHelp, programHelp } from './help.ts'
import type { CliIo, ExitCode } from './io.ts'
import { replayCommand, replaySpec } from './replay-command.ts'
import { runCommand, runSpec } from './run-command.ts'

type Command = (args: readonly string[], io: CliIo) => Promise<ExitCode>

const COMMANDS: readonly { readonly spec: CommandSpec; readonly run: Command }[] = [
  { spec: runSpec, run: runCommand },
  { spec: replaySpec, run: replayCommand },
  { spec: demoSpec, run: demo },
]

/** Runs the command line. Never throws: bad input becomes one line on `err` and exit code 2. */
export async function main(args: readonly string[], io: CliIo): Promise<ExitCode> {
  const [name, ...rest] = args[0] === '--' ? args.slice(1) : args
  const specs = COMMANDS.map((command) => command.spec)
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.out(programHelp(specs))
    return 0
  }
  try {
    const command = COMMANDS.find(({ spec }) => spec.name === name)
    if (command === undefined)
      throw new SwarmError('BAD_OPTION', `swarm: unknown command '${name}'${hint(name, specs)} (see: swarm --help)`)
    if (rest.includes('--help') || rest.includes('-h')) {
      io.out(commandHelp(command.spec))
      return 0
    }
    return await command.run(rest, io).catch((error: unknown) => {
      throw inTermsOfOptions(error, command.spec)
    })
  } catch (error) {
    if (isSwarmError(error, 'ABORTED')) {
      io.err(error.message)
      return 130
    }
    io.err(oneLine(error))
    return isExpected(error) ? 2 : 1
  }
}

// The library names its field (`offeredLoad is 0`); here the user wrote `--offered-load`.
function inTermsOfOptions(error: unknown, spec: CommandSpec): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'BAD_OPTION')) return error
  const [field = ''] = /^\w+/.exec(error.message) ?? []
  const option = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  if (!(option in spec.options)) return error
  return new SwarmError('BAD_OPTION', `--${option}${error.message.slice(field.length)}`, { cause: error })
}

const hint = (name: string, specs: readonly CommandSpec[]): string =>
  suggestion(
    name,
    specs.map((spec) => spec.name),
  ).replace('--', '')

// Errors of our packages carry a code and say what to do; anything else is a fault of ours and shows where it came from.
function isExpected(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(Swarm|Grid|Core|Telemetry)Error$/.test(error.name)
}

function oneLine(error: unknown): string {
  if (isExpected(error)) return (error as Error).message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
