import { type Command, type CommandGroup, type CommandSpec, type Program } from './command.ts'

const row = (left: string, right: string): string => `  ${left.padEnd(26)}${right}`

/** Help of one command. */
export function commandHelp(program: string, { positionals, summary, options, examples }: CommandSpec): string {
  const lines = Object.entries(options).map(([name, { placeholder, help, defaultText }]) =>
    row(`--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`, help + (defaultText === undefined ? '' : ` [${defaultText}]`)),
  )
  const parts = [[program, ...positionals, '[options]'].join(' '), summary, ['Options:', ...lines].join('\n')]
  if (examples.length > 0) parts.push(['Examples:', ...examples.map((example) => `  ${example}`)].join('\n'))
  return parts.join('\n\n')
}

/** Help of a group: what each of its commands does, in a line. */
export function groupHelp(program: string, { summary, commands }: CommandGroup): string {
  const lines = commands.map(({ spec }) => commandRow(spec))
  return [
    `${program}: ${summary}`,
    ['Commands:', ...lines].join('\n'),
    `Each command explains itself: ${program} COMMAND --help`,
    [
      'Exit codes:',
      row('0', 'it did what was asked'),
      row('1', 'it looked, and what it looked at is damaged'),
      row('2', 'bad input, or nothing that can be read there: one line says what'),
      row('130', 'interrupted'),
    ].join('\n'),
  ].join('\n\n')
}

/** Help of the whole program. */
export function programHelp({ name, about, exitCodes = [], notes }: Program, entries: readonly (Command | CommandGroup)[]): string {
  const lines = entries.map((each) => ('commands' in each ? row(each.name, firstLine(each.summary)) : commandRow(each.spec)))
  const parts = [`${name}: ${about}`, ['Commands:', ...lines].join('\n'), `Each command explains itself: ${name} COMMAND --help`]
  if (exitCodes.length > 0) parts.push(['Exit codes:', ...exitCodes.map(([code, meaning]) => row(code, meaning))].join('\n'))
  if (notes !== undefined) parts.push(notes)
  return parts.join('\n\n')
}

function commandRow({ name, positionals, summary }: CommandSpec): string {
  return row([name, ...positionals].join(' '), firstLine(summary))
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
