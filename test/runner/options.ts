import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What one run of the runner was asked for, checked. */
export interface RunnerOptions {
  /** The folder that holds `packages` and `test`. */
  readonly root: string
  /** Parts of paths, or whole paths of files. Empty: every file. */
  readonly filters: readonly string[]
  /** The long runs (`test/long/*.long.ts`) instead of the tests. */
  readonly long: boolean
  /** How many files run at once, each lane in a process of its own. One: all in the process of the runner. */
  readonly lanes: number
  /** How long one file may take. Undefined: no limit. */
  readonly watchdogMs: number | undefined
  /** How long a handle may keep the process alive after the last test. */
  readonly leakMs: number
  /** Skipping is a failure where every component can be had. */
  readonly ci: boolean
}

const HELP = `usage: test/run.ts [--long] [--lanes N] [--watchdog-ms N] [--leak-ms N] [path or part of a path ...]

  --long          run test/long/*.long.ts, one at a time and without a time limit per file
  --lanes         how many files run at once (default 2, where there are two cores)
  --watchdog-ms   how long one file may take (default 120000)
  --leak-ms       how long a handle may outlive the last test (default 5000)
  --root          look for tests below this folder (default: the repository)`

const whole = (name: string, text: string, of: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} ${text}: give a whole number of ${of}, 1 or more`)
  return value
}

/**
 * Reads the command line and the environment (`CI`) of a run.
 * Returns the help text instead when that was asked for.
 * @throws TypeError for an unknown option or a value that is no number; the message quotes it.
 */
export const resolveRunnerOptions = (argv: readonly string[], env: NodeJS.ProcessEnv): RunnerOptions | string => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      long: { type: 'boolean', default: false },
      lanes: { type: 'string' },
      'watchdog-ms': { type: 'string' },
      'leak-ms': { type: 'string', default: '5000' },
      root: { type: 'string', default: join(import.meta.dirname, '../..') },
    },
  })
  if (values.help) return HELP
  const given = values['watchdog-ms'] ?? (values.long ? undefined : '120000')
  return {
    root: resolve(values.root),
    filters: positionals,
    long: values.long,
    lanes: values.long ? 1 : values.lanes === undefined ? Math.min(2, availableParallelism()) : whole('lanes', values.lanes, 'lanes'),
    watchdogMs: given === undefined ? undefined : whole('watchdog-ms', given, 'milliseconds'),
    leakMs: whole('leak-ms', values['leak-ms'], 'milliseconds'),
    ci: !['', '0', 'false'].includes(env['CI'] ?? ''),
  }
}
