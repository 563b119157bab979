import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'

export const run = promisify(execFile)
const PROMTOOL = '/usr/bin/promtool'
export const hasPromtool = existsSync(PROMTOOL)

/** Files in a folder that is gone after. */
export async function inFolder<T>(named: Readonly<Record<string, string>>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-operators-'))
  try {
    for (const [name, text] of Object.entries(named)) await writeFile(join(folder, name), text)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What promtool says of these files. Rejects where it refuses one. */
export function promtoolCheck(what: 'rules' | 'config', named: Readonly<Record<string, string>>): Promise<string> {
  return inFolder(named, async (folder) => {
    const { stdout } = await run(PROMTOOL, ['check', what, join(folder, Object.keys(named)[0] as string)])
    return stdout
  })
}

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  annotations?: object
}

/** The rules that tests ask for by name, and the series those are made of: evaluating all of them each time takes ten times as long. */
function askedFor(rules: readonly Rule[], tests: string): ReadonlySet<Rule> {
  const asked = new Set(rules.filter(({ alert, record }) => tests.includes(alert ?? record ?? '')))
  // What is made may be made of what is made: the set grows while it is gone through.
  for (const { expr } of asked) for (const rule of rules) if (rule.record !== undefined && expr.includes(rule.record)) asked.add(rule)
  return asked
}

/** Runs tests of promtool on these rules. Rejects where one fails, with what it says. */
export function promtoolTest(rules: string, tests: readonly object[]): Promise<string> {
  // promtool compares annotations too, unless there are none to compare: they are taken out of the rules.
  const bare = parse(rules) as { groups: { rules: readonly Rule[] }[] }
  const asked = askedFor(
    bare.groups.flatMap((group) => group.rules),
    JSON.stringify(tests),
  )
  for (const group of bare.groups) {
    group.rules = group.rules.filter((rule) => asked.has(rule))
    for (const rule of group.rules) delete rule.annotations
  }
  const named = {
    'rules.yml': stringify(bare),
    'tests.yml': stringify({ rule_files: ['rules.yml'], evaluation_interval: '15s', tests }, { aliasDuplicateObjects: false }),
  }
  return inFolder(named, async (folder) => {
    const { stdout } = await run(PROMTOOL, ['test', 'rules', join(folder, 'tests.yml')])
    return stdout
  })
}

/** A test of promtool: at that time these series have raised that alert with each of these labels, and no other. */
export const seen = (alertname: string, series: Readonly<Record<string, string>>, at: string, labels: readonly object[]) => ({
  interval: '15s',
  input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
  alert_rule_test: [
    { alertname, eval_time: at, exp_alerts: labels.map((own) => ({ exp_labels: { team: 'agents', severity: 'page', ...own } })) },
  ],
})
