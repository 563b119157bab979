/** What a command may touch of the process; tests give their own. */
export interface CliIo {
  /** Results, a line at a time. */
  readonly out: (line: string) => void
  /** Progress and errors. */
  readonly err: (line: string) => void
  /** Results that are no lines; resolves when more may come. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  /** Resolves when the reader of the results has taken enough of them, or on Ctrl-C: who has many lines waits for it after each (I6). */
  readonly drained: () => Promise<void>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal
}

/** 0: well. 1: looked, and found something wrong. 2: bad input, or the place cannot be read. 130: interrupted, as shells name it. */
export type ExitCode = 0 | 1 | 2 | 130

/** One option of a command, as it is parsed and as the help shows it. */
export interface OptionSpec {
  /** `count`: a whole number from 0 on. `number`: any. */
  readonly kind: 'count' | 'number' | 'text' | 'flag'
  /** Placeholder in the help: `--limit N`. */
  readonly placeholder?: string
  readonly help: string
  readonly defaultText?: string
}

export interface CommandSpec {
  readonly name: string
  /** The first line stands in the list of commands. */
  readonly summary: string
  /** Names of the arguments, in order; one in brackets may be left out. */
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples: readonly string[]
}

export interface ParsedArguments {
  /** The argument at this place; undefined where it may be left out and is. */
  positional(at: number): string | undefined
  number(name: string): number | undefined
  text(name: string): string | undefined
  flag(name: string): boolean
}

export interface Command {
  readonly spec: CommandSpec
  run(args: ParsedArguments, io: CliIo): Promise<ExitCode>
}

/** What stands above the commands. */
export interface Program {
  readonly name: string
  /** What it is, in a line. */
  readonly about: string
  /** What its exit codes mean, where a command's own help does not say it. */
  readonly exitCodes?: readonly (readonly [code: string, meaning: string])[]
  /** A last paragraph of the help. */
  readonly notes?: string
}

/** Commands under one word: `stigmergy grid …`. Each package brings its own; the program that joins them stands above all. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly commands: readonly Command[]
}

export function nameOf(entry: Command | CommandGroup): string {
  return 'commands' in entry ? entry.name : entry.spec.name
}
