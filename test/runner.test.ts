import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { markText, readMarks } from './runner/marks.ts'
import { SLOW_FILES, slowestFirst } from './runner/slow-files.ts'

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

/** Beside a good file: so in two lanes. */
const inLanes = (name: string, ...options: readonly string[]): string[] => [
  ...planted('good'),
  ...planted(name, ...options, '--lanes', '2'),
]

interface Case {
  readonly args: readonly string[]
  readonly ci?: string
  /** Default 1. */
  readonly code?: number | string
  readonly says: readonly RegExp[]
  /** The very last line. */
  readonly last: string | RegExp
}

// The good file does not run any more where the other lane has died before it began.
const LANES_FAIL = /^[02] passed, 1 failed, 0 skipped$/

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
    args: planted('hangs', '--watchdog-ms', '1000'),
    says: [/still running after 1 s: hang › waits with a timer running/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'fails on a file that takes longer than it said': {
    args: planted('own-limit', '--watchdog-ms', '1000'),
    says: [/still running after 1\.5 s: own limit › waits with a timer running/],
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
    args: planted('spins', '--watchdog-ms', '1000'),
    code: 'SIGKILL',
    says: [/still running after 1 s: spin › never yields; it never yielded/],
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
  'fails on a lane that is killed, and names its file': {
    args: inLanes('killed'),
    says: [/test\/runner\/planted\/killed\.ts: its process ended early, with SIGKILL/],
    last: LANES_FAIL,
  },
  'fails on a test that leaves a lane with code 0': {
    args: inLanes('exits'),
    says: [/test\/runner\/planted\/exits\.ts: the process ended in the middle of exit › leaves early/],
    last: LANES_FAIL,
  },
  'fails on a file in a lane that takes too long': {
    args: inLanes('hangs', '--watchdog-ms', '3000'),
    says: [/test\/runner\/planted\/hangs\.ts: still running after 3 s: hang › waits with a timer running/],
    last: LANES_FAIL,
  },
  'fails on a file in a lane that never yields': {
    args: inLanes('spins', '--watchdog-ms', '3000'),
    says: [/test\/runner\/planted\/spins\.ts: still running after 3 s: spin › never yields; it never yielded/],
    last: LANES_FAIL,
  },
  'fails on a handle that a lane leaves open': {
    args: inLanes('leaked-handle', '--leak-ms', '200'),
    says: [/still open 0\.2 s after the last test: .*TCP/, /TCP\w+ after test\/runner\/planted\/leaked-handle\.ts/],
    last: '3 passed, 1 failed, 0 skipped',
  },
  'fails on a throwing hook in a lane': {
    args: inLanes('before-throws'),
    says: [/before › before hook/],
    last: '2 passed, 2 failed, 0 skipped',
  },
  'says how many files were not run once a lane has died': {
    args: [...planted('exits'), ...inLanes('killed')],
    says: [/not run any more: [12] of 3 files/],
    last: /^[02] passed, [12] failed, 0 skipped$/,
  },
  'keeps together what a file says, in lanes and in one': {
    args: inLanes('failing-test'),
    says: [
      /^test\/runner\/planted\/good\.ts\n good {2}• • {3}\(2 \/ 2\)$/m,
      /What failed:\n {2}test\/runner\/planted\/failing-test\.ts: failing › is planted\n/,
    ],
    last: '3 passed, 1 failed, 0 skipped',
  },
  'runs one lane where one is asked for': {
    args: [...planted('import-error'), ...planted('good', '--lanes', '1')],
    says: [/planted while importing/],
    last: '2 passed, 1 failed, 0 skipped',
  },
  'refuses an unknown option': { args: ['--planted'], code: 2, says: [/Unknown option '--planted'/], last: '' },
  'refuses no lane': { args: ['--lanes', '0'], code: 2, says: [/^--lanes 0: give a whole number of lanes, 1 or more$/m], last: '' },
  'refuses a number that is none': {
    args: ['--leak-ms', 'soon'],
    code: 2,
    says: [/^--leak-ms soon: give a whole number of milliseconds, 1 or more$/m],
    last: '',
  },
}

const test = suite('runner')

// Each case needs a process of its own; several at a time shorten the wait.
const AT_A_TIME = 3
const ended = new Map<string, Promise<Ended>>()
test.before(() => {
  const lanes = Array.from({ length: AT_A_TIME }, () => Promise.resolve())
  for (const [index, [name, { args, ci }]] of Object.entries(CASES).entries()) {
    const run = (lanes[index % AT_A_TIME] ?? Promise.resolve()).then(() => runner(args, ci))
    ended.set(name, run)
    lanes[index % AT_A_TIME] = run.then(() => {})
  }
})

test('each file that is listed as slow is there', () => {
  for (const file of SLOW_FILES) assert.ok(existsSync(join(root, file)), file)
  assert.equal(slowestFirst(['a', SLOW_FILES[1] as string, 'b', SLOW_FILES[0] as string]), [SLOW_FILES[0], SLOW_FILES[1], 'a', 'b'])
})

test('marks come out of the text in which they stand, and what is none stays', () => {
  const marks = [
    { says: 'counts', counts: { passed: 2 } },
    { says: 'failed', where: 'a', what: '"\u001E\u001F"\n' },
    { says: 'end' },
  ] as const
  const marked = `one${marks.map((mark) => `${markText(mark)}·`).join('')}\u001Ftwo\u001E`
  assert.equal(readMarks(marked), { text: 'one···\u001Ftwo\u001E', marks })
  assert.equal(readMarks(''), { text: '', marks: [] })
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
