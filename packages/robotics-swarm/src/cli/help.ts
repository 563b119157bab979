import type { CommandSpec } from './arguments.ts'

const row = (left: string, right: string): string => `  ${left.padEnd(26)}${right}`

/** Help of one command. */
export function commandHelp(spec: CommandSpec): string {
  const options = Object.entries(spec.options).map(([name, option]) =>
    row(
      `--${name}${option.placeholder === undefined ? '' : ` ${option.placeholder}`}`,
      option.help + (option.defaultText === undefined ? '' : ` [${option.defaultText}]`),
    ),
  )
  const positional = spec.positional === undefined ? '' : ` ${spec.positional}`
  const parts = [`swarm ${spec.name}${positional} [options]`, spec.summary, ['Options:', ...options].join('\n')]
  if (spec.examples.length > 0) parts.push(['Examples:', ...spec.examples.map((example) => `  ${example}`)].join('\n'))
  return parts.join('\n\n')
}

/** Help of the whole program. */
export function programHelp(commands: readonly CommandSpec[]): string {
  return [
    'swarm: robots on a conveyor that share one memory',
    [
      'Commands:',
      ...commands.map((c) => row(`${c.name}${c.positional === undefined ? '' : ` ${c.positional}`}`, c.summary.split('\n')[0] ?? '')),
    ].join('\n'),
    'Each command explains itself: swarm COMMAND --help',
    [
      'Exit codes:',
      row('0', 'the run ended and its own checks hold'),
      row('1', 'the run ended and a check failed'),
      row('2', 'bad input: one line says what and where'),
      row('130', 'interrupted'),
    ].join('\n'),
    'Every agent is an XState actor; every part goes through the shared maps. The safety stop shown here is an\noperational stop, not a rated safety channel.',
  ].join('\n\n')
}
