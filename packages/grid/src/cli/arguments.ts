import { parseArgs } from 'node:util'
import { GridError } from '../errors.ts'
import type { CommandSpec, ParsedArguments } from './command.ts'
import { suggestion } from './suggestion.ts'

/** Parses the arguments of `program`, such as `stigmergy grid get`. Throws `GridError` BAD_OPTION, with the nearest known name for a typo. */
export function parseArguments(program: string, spec: CommandSpec, args: readonly string[]): ParsedArguments {
  const usage = (message: string): GridError => new GridError('BAD_OPTION', `${program}: ${message} (see: ${program} --help)`)
  const names = Object.keys(spec.options)
  for (const arg of args) {
    if (arg === '--') break
    const name = /^--([^=]+)/.exec(arg)?.[1]
    if (name !== undefined && !names.includes(name)) throw usage(`unknown option --${name}${suggestion(name, names, '--')}`)
  }
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, { kind }]) => [name, { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) }]),
  )
  let parsed: { readonly values: Record<string, unknown>; readonly positionals: readonly string[] }
  try {
    parsed = parseArgs({ args: joinNegative(spec, args), options, allowPositionals: true, strict: true })
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw usage(line.replaceAll("'", ''))
  }
  const { values, positionals } = parsed
  const extra = positionals[spec.positionals.length]
  if (extra !== undefined) throw usage(`unexpected argument '${extra}'`)
  const absent = spec.positionals.find((name, at) => !name.startsWith('[') && positionals[at] === undefined)
  if (absent !== undefined) throw usage(`${absent} is missing`)
  const text = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined)
  return {
    positional: (at) => positionals[at],
    text,
    flag: (name) => values[name] === true,
    number(name) {
      const given = text(name)
      if (given === undefined) return undefined
      const value = Number(given)
      if (spec.options[name]?.kind === 'count' && (given.trim() === '' || !Number.isSafeInteger(value) || value < 0))
        throw usage(`--${name} is '${given}': give a whole number from 0 on`)
      if (given.trim() === '' || !Number.isFinite(value)) throw usage(`--${name} is '${given}', which is no number`)
      return value
    },
  }
}

// `--seed -1` is clear to a person; parseArgs takes `-1` for an option.
function joinNegative({ options }: CommandSpec, args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const last = joined.at(-1)
    if (/^-\.?\d/.test(arg) && last?.startsWith('--') && ['number', 'count'].includes(options[last.slice(2)]?.kind ?? ''))
      joined.splice(-1, 1, `${last}=${arg}`)
    else joined.push(arg)
  }
  return joined
}
