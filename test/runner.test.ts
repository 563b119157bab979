import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

interface Ended {
  readonly code: number | null
  readonly signal: string | null
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
        code: error ? (typeof error.code === 'number' ? error.code : null) : 0,
        signal: error?.signal ?? null,
        output: output + errors,
        lastLine: output.trimEnd().split('\n').at(-1) ?? '',
      }),
    )
  })

const planted = (name: string, ...options: readonly string[]): string[] => [`test/runner/planted/${name}.ts`, ...options]

interface Expected {
  readonly args: readonly string[]
  readonly says: readonly RegExp[]
  readonly last: string
  readonly ci?: string
}

const FAULTS: Readonly<Record<string, Expected>> = {
  'a failing test is named, with file, suite and difference': {
    args: planted('failing-test'),
    says: [/test\/runner\/planted\/failing-test\.ts: failing › is planted/, /FAIL +failing +"is planted"/, /"a":·1/, /"a":·2/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'a throwing before hook': {
    args: planted('before-throws'),
    says: [/before › before hook/, /the planted cluster never started/],
    last: '0 passed, 2 failed, 0 skipped',
  },
  'a throwing after hook': {
    args: planted('after-throws'),
    says: [/after › after hook/, /the planted cluster never stopped/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'a throwing before.each hook': {
    args: planted('before-each-throws'),
    says: [/before each › never runs/, /the planted table was not made/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a throwing after.each hook': {
    args: planted('after-each-throws'),
    says: [/passes but for its hook > after\.each hook/, /the planted table was not dropped/],
    last: '0 passed, 2 failed, 0 skipped',
  },
  'a missing run()': {
    args: planted('missing-run'),
    says: [/suite "forgotten" has tests and no run\(\)/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a missing run() beside one that is there': {
    args: planted('second-run-missing'),
    says: [/suite "second" has tests and no run\(\)/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'a file without a suite': { args: planted('no-suite'), says: [/registers no suite/], last: '0 passed, 1 failed, 0 skipped' },
  only: { args: planted('only'), says: [/test\.only: 1 other tests/], last: '1 passed, 1 failed, 0 skipped' },
  'only on the only test': { args: planted('only-one'), says: [/test\.only: 0 other tests/], last: '1 passed, 1 failed, 0 skipped' },
  'a filter that fits no file': {
    args: ['packages/nowhere'],
    says: [/no test file matches "packages\/nowhere"/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a leaked handle, by kind and by the file that left it': {
    args: planted('leaked-handle', '--leak-ms', '200'),
    says: [/still open 0\.2 s after the last test: .*TCP/, /TCP\w+ after test\/runner\/planted\/leaked-handle\.ts/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'a stray rejection': {
    args: planted('stray-rejection'),
    says: [/stray rejection during stray › .*: Error: planted and never caught/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'an exception in a callback': {
    args: planted('uncaught'),
    says: [/uncaught exception during uncaught › throws in a callback: Error: planted in a callback/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'a promise that never settles': {
    args: planted('never-settles'),
    says: [/in the middle of pending › waits for nobody/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a file that takes too long': {
    args: planted('hangs', '--watchdog-ms', '200'),
    says: [/still running after 0\.2 s: hang › waits with a timer running/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a test that leaves with code 0': {
    args: planted('exits'),
    says: [/in the middle of exit › leaves early/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'an error while importing': {
    args: planted('import-error'),
    says: [/could not be run: Error: planted while importing/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a thrown undefined': {
    args: planted('throws-no-error'),
    says: [/threw a value that is no Error: undefined/],
    last: '0 passed, 1 failed, 0 skipped',
  },
  'a skip without a reason, where CI is set': {
    args: planted('skipped'),
    ci: 'true',
    says: [/1 skipped without a reason/],
    last: '1 passed, 1 failed, 0 skipped',
  },
  'a missing component, where CI is set': {
    args: planted('needs-absent'),
    ci: 'true',
    says: [/"runs on the moon" needs a planted moon, and where CI is set it must be there/],
    last: '2 passed, 1 failed, 0 skipped',
  },
}

const test = suite('runner')

// Each fault needs a process of its own; two at a time halve the wait.
const started = new Map<string, Promise<Ended>>()
test.before(() => {
  const lanes = [Promise.resolve(), Promise.resolve()]
  for (const [index, [name, { args, ci }]] of Object.entries(FAULTS).entries()) {
    const run = (lanes[index % 2] ?? Promise.resolve()).then(() => runner(args, ci))
    started.set(name, run)
    lanes[index % 2] = run.then(() => {})
  }
})

for (const [name, { says, last }] of Object.entries(FAULTS)) {
  test(`fails on: ${name}`, async () => {
    const ended = await started.get(name)
    if (ended === undefined) throw new Error(`"${name}" was not started`)
    assert.is(ended.code, 1, ended.output)
    for (const pattern of says) assert.match(ended.output, pattern)
    assert.is(ended.lastLine, last)
  })
}

test('kills a test that never yields, and still says which and how many', async () => {
  const ended = await runner(planted('spins', '--watchdog-ms', '200'))
  assert.is(ended.signal, 'SIGKILL')
  assert.match(ended.output, /still running after 0\.2 s: spin › never yields; it never yielded/)
  assert.match(ended.lastLine, /^\d+ passed, 1 failed, 0 skipped$/)
})

test('passes a good file, also where CI is set', async () => {
  const ended = await runner(planted('good'), 'true')
  assert.is(ended.code, 0, ended.output)
  assert.is(ended.lastLine, '2 passed, 0 failed, 0 skipped')
})

test('a failing file does not stop the next one', async () => {
  const ended = await runner([...planted('import-error'), ...planted('good')])
  assert.is(ended.code, 1)
  assert.is(ended.lastLine, '2 passed, 1 failed, 0 skipped')
})

test('skips with a reason, and without one, outside CI', async () => {
  const ended = await runner([...planted('needs-absent'), ...planted('skipped')])
  assert.is(ended.code, 0, ended.output)
  assert.match(ended.output, /skipped: "runs on the moon" needs a planted moon/)
  assert.match(ended.output, /skipped: 1 without a reason/)
  assert.is(ended.lastLine, '3 passed, 0 failed, 2 skipped')
})

test('an unknown option or a bad number is one line and exit code 2', async () => {
  const unknown = await runner(['--planted'])
  assert.is(unknown.code, 2)
  assert.match(unknown.output, /--planted/)
  const bad = await runner(['--leak-ms', 'soon'])
  assert.is(bad.code, 2)
  assert.is(bad.output.trim(), '--leak-ms soon: give a whole number of milliseconds, 1 or more')
})

test.run()
