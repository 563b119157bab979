import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string
  readonly output: string
  readonly lastLine: string
}

const root = join(import.meta.dirname, '..')

/** Runs the runner in a process of its own, on planted files or on whatever the arguments say. */
const runner = (args: readonly string[], ci = ''): Promise<Ended> =>
  new Promise((done) => {
    const { FORCE_COLOR: _, ...env } = process.env
    const command = ['--conditions=@stigmergy/source', '--import', 'tsx', 'test/run.ts', ...args]
    execFile(process.execPath, command, { cwd: root, env: { ...env, CI: ci, NO_COLOR: '1' } }, (error, output, errors) =>
      done({
        code: error ? (error.signal ?? error.code ?? 'unknown') : 0,
        output: output + errors,
        lastLine: output.trimEnd().split('\n').at(-1) ?? '',
      }),
    )
  })

const planted = (name: string, ...options: readonly string[]): string[] => [`test/runner/planted/${name}.ts`, ...options]

interface Case {
  readonly args: readonly string[]
  readonly ci?: string
  /** Default 1. */
  readonly code?: number | string
  readonly says: readonly RegExp[]
  /** The very last line. */
  readonly last: string | RegExp
}

const CASES: Readonly<Record<string, Case>> = {
  'fails on a failing test, and names it with file, suite and difference': {
    args: planted('failing-test'),
    says: [/test\/runner\/planted\/failing-test\.ts: failing › is planted/, /FAIL +failing +"is planted"/, /"a":·1/, /"a":·2/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a throwing before hook': {
    args: planted('before-throws'),
    says: [/before › before hook/, /the planted cluster never started/],
    last: '0 passed, 2 failed, 0 skipped',
  },
  'fails on a throwing after hook': {
    args: planted('after-throws'),
    says: [/after › after hook/, /the planted cluster never stopped/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a throwing before.each hook': {
    args: planted('before-each-throws'),
    says: [/before each › never runs/, /the planted table was not made/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a throwing after.each hook': {
    args: planted('after-each-throws'),
    says: [/passes but for its hook > after\.each hook/, /the planted table was not dropped/],
    last: '0 passed, 2 failed, 0 skipped',
  },
  'fails on a missing run()': {
    args: planted('missing-run'),
    says: [/suite "forgotten" has tests and no run\(\)/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a missing run() beside one that is there': {
    args: planted('second-run-missing'),
    says: [/suite "second" has tests and no run\(\)/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a file without a suite': { args: planted('no-suite'), says: [/registers no suite/], last: '0 passed, 1 failed, 0 skipped' },
  'fails on only': { args: planted('only'), says: [/test\.only: 1 other tests/], last: '1 passed, 1 failed, 0 skipped' },
  'fails on only on the only test': {
    args: planted('only-one'),
    says: [/test\.only: 0 other tests/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a filter that fits no file': {
    args: ['packages/nowhere'],
    says: [/no test file matches "packages\/nowhere"/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a leaked handle, by kind and by the file that left it': {
    args: planted('leaked-handle', '--leak-ms', '200'),
    says: [/still open 0\.2 s after the last test: .*TCP/, /TCP\w+ after test\/runner\/planted\/leaked-handle\.ts/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a stray rejection': {
    args: planted('stray-rejection'),
    says: [/stray rejection during stray › .*: Error: planted and never caught/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on an exception in a callback': {
    args: planted('uncaught'),
    says: [/uncaught exception during uncaught › throws in a callback: Error: planted in a callback/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a promise that never settles': {
    args: planted('never-settles'),
    says: [/in the middle of pending › waits for nobody/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a file that takes too long': {
    args: planted('hangs', '--watchdog-ms', '200'),
    says: [/still running after 0\.2 s: hang › waits with a timer running/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a file that takes longer than it said': {
    args: planted('own-limit'),
    says: [/still running after 0\.3 s: own limit › waits with a timer running/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a test that leaves with code 0': {
    args: planted('exits'),
    says: [/in the middle of exit › leaves early/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on an error while importing': {
    args: planted('import-error'),
    says: [/could not be run: Error: planted while importing/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a thrown undefined': {
    args: planted('throws-no-error'),
    says: [/threw a value that is no Error: undefined/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a skip without a reason, where CI is set': {
    args: planted('skipped'),
    ci: 'true',
    says: [/1 skipped without a reason/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'fails on a missing component, where CI is set': {
    args: planted('needs-absent'),
    ci: 'true',
    says: [/"runs on the moon" needs a planted moon, and where CI is set it must be there/],
    last: '2 passed, 1 failed, 0 skipped',
  },
  'fails on no file at all': {
    args: ['--root', 'test/runner/planted'],
    says: [/no test file found in packages\/\*\/test or test/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on no long run at all': {
    args: ['--long', '--root', 'test/runner/planted'],
    says: [/no test file found in test\/long/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'kills a test that never yields, and still says which and how many': {
    args: planted('spins', '--watchdog-ms', '200'),
    code: 'SIGKILL',
    says: [/still running after 0\.2 s: spin › never yields; it never yielded/],
    last: /^\d+ passed, 1 failed, 0 skipped$/,
  },
  'passes a good file, also where CI is set': {
    args: planted('good'),
    ci: 'true',
    code: 0,
    says: [/good {2}• •/],
    last: '2 passed, 0 failed, 0 skipped',
  },
  'goes on after a file that fails': {
    args: [...planted('import-error'), ...planted('good')],
    says: [/planted while importing/],
    last: '2 passed, 1 failed, 0 skipped',
  },
  'skips with a reason, and without one, outside CI': {
    args: [...planted('needs-absent'), ...planted('skipped')],
    code: 0,
    says: [/skipped: "runs on the moon" needs a planted moon/, /skipped: 1 without a reason/],
    last: '3 passed, 0 failed, 2 skipped',
  },
  'refuses an unknown option': { args: ['--planted'], code: 2, says: [/Unknown option '--planted'/], last: '' },
  'refuses a number that is none': {
    args: ['--leak-ms', 'soon'],
    code: 2,
    says: [/^--leak-ms soon: give a whole number of milliseconds, 1 or more$/m],
    last: '',
  },
}

const test = suite('runner')

// Each case needs a process of its own; several at a time shorten the wait.
const LANES = 3
const ended = new Map<string, Promise<Ended>>()
test.before(() => {
  const lanes = Array.from({ length: LANES }, () => Promise.resolve())
  for (const [index, [name, { args, ci }]] of Object.entries(CASES).entries()) {
    const run = (lanes[index % LANES] ?? Promise.resolve()).then(() => runner(args, ci))
    ended.set(name, run)
    lanes[index % LANES] = run.then(() => {})
  }
})

for (const [name, { code = 1, says, last }] of Object.entries(CASES)) {
  test(name, async () => {
    const seen = await ended.get(name)
    if (seen === undefined) throw new Error(`"${name}" was not started`)
    assert.is(seen.code, code, seen.output)
    for (const pattern of says) assert.match(seen.output, pattern)
    if (typeof last === 'string') assert.is(seen.lastLine, last)
    else assert.match(seen.lastLine, last)
  })
}

test.run()
