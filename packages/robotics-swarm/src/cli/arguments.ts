import { parseArgs } from 'node:util'
import { SwarmError } from '../errors.ts'

/** One option of a command, as it is parsed and as the help shows it. */
export interface OptionSpec {
  readonly kind: 'number' | 'text' | 'flag'
  /** Placeholder in the help: `--robots N`. */
  readonly placeholder?: string
  readonly help: string
  readonly defaultText?: string
}

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  /** Name of the one positional argument, if the command takes one. */
  readonly positional?: string
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples: readonly string[]
}

export interface ParsedArguments {
  readonly positional: string | undefined
  number(name: string): number | undefined
  text(name: string): string | undefined
  flag(name: string): boolean
}

/** Parses a command's arguments. @throws SwarmError BAD_OPTION, with the nearest known name for a misspelt one. */
export function parseCommand(spec: CommandSpec, args: readonly string[]): ParsedArguments {
  const { values, positionals } = parse(spec, args)
  const wanted = spec.positional === undefined ? 0 : 1
  const extra = positionals[wanted]
  if (extra !== undefined) throw usage(spec, `unexpected argument '${extra}'`)
  if (wanted === 1 && positionals[0] === undefined) throw usage(spec, `${spec.positional} is missing`)
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    positional: positionals[0],
    text,
    flag: (name) => values[name] === true,
    number: (name) => {
      const value = text(name)
      if (value === undefined) return undefined
      const parsed = Number(value)
      if (value.trim() === '' || !Number.isFinite(parsed)) throw usage(spec, `--${name} is '${value}', which is no number`)
      return parsed
    },
  }
}

function parse(spec: CommandSpec, args: readonly string[]): { values: Record<string, unknown>; positionals: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, { kind }]) => [name, { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) }]),
  )
  for (const arg of args) {
    if (arg === '--') break
    const name = /^--([^=]+)/.exec(arg)?.[1]
    if (name !== undefined && !(name in options)) throw usage(spec, `unknown option --${name}${suggestion(name, Object.keys(options))}`)
  }
  try {
    return parseArgs({ args: joinNegative(spec, args), options, allowPositionals: true, strict: true })
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw usage(spec, line.replaceAll("'", ''))
  }
}

// `--seed -1` is clear to a person; parseArgs takes `-1` for an option.
function joinNegative(spec: CommandSpec, args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const last = joined.at(-1)
    if (/^-\.?\d/.test(arg) && last?.startsWith('--') && spec.options[last.slice(2)]?.kind === 'number')
      joined.splice(-1, 1, `${last}=${arg}`)
    else joined.push(arg)
  }
  return joined
}

function usage(spec: CommandSpec, message: string): SwarmError {
  return new SwarmError('BAD_OPTION', `swarm ${spec.name}: ${message} (see: swarm ${spec.name} --help)`)
}

/** `: did you mean --robots?` where a known name is at most two edits away. */
export function suggestion(name: string, known: readonly string[]): string {
  const nearest = known.map((k) => ({ k, d: distance(name, k) })).sort((a, b) => a.d - b.d)[0]
  return nearest !== undefined && nearest.d <= 2 ? `: did you mean --${nearest.k}?` : ''
}

// Levenshtein, one row at a time.
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
