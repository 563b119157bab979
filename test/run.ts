// Runs the tests (or, with --long, the long runs) under uvu, and fails on what uvu alone lets pass: a throwing hook,
// a forgotten run(), `only`, no file, an import that fails, a promise that never settles, a stray rejection, a handle
// that outlives the tests, a file that never ends. The last line is always `N passed, N failed, N skipped`.
import { subscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { discover } from './runner/discover.ts'
import { resolveRunnerOptions, type RunnerOptions } from './runner/options.ts'
import { createReport, firstLine } from './runner/report.ts'
import { runFiles } from './runner/run-files.ts'
import { holdUvu } from './runner/uvu.ts'
import { LIMITS } from './runner/time-limit.ts'
import { startWatchdog, tooLong } from './runner/watchdog.ts'

const run = async (options: RunnerOptions): Promise<void> => {
  const report = createReport((text) => process.stdout.write(text))
  let file = 'the runner'
  let running = ''
  let finished = false

  // Whatever ends the process passes here, so the summary comes last and once.
  process.once('exit', () => {
    if (!finished)
      report.fault(file, `the process ended in the middle of ${running}: a promise never settled, or something called process.exit`)
    process.exitCode = report.end()
  })
  const stray = (kind: string) => (error: unknown) => report.fault(file, `${kind} during ${running}: ${firstLine(error)}`, inspect(error))
  process.on('unhandledRejection', stray('stray rejection'))
  process.on('uncaughtException', stray('uncaught exception'))

  const watchdog = startWatchdog(options.watchdogMs, (slow, test, limitMs) => {
    report.fault(slow, tooLong(test, limitMs))
    finished = true
    process.exit(1)
  })
  subscribe(LIMITS, (limitMs) => watchdog.allow(limitMs as number))
  const uvu = await holdUvu((suite, test) => {
    running = suite ? `${suite} › ${test}` : test
    watchdog.running(running)
  })

  const { files, unmatched } = await discover(options.root, options.filters, options.long)
  for (const filter of unmatched) report.fault('the runner', `no test file matches "${filter}"`)
  if (files.length === 0 && unmatched.length === 0)
    report.fault('the runner', `no test file found in ${options.long ? 'test/long' : 'packages/*/test or test'}`)
  const hints = await runFiles(files, {
    root: options.root,
    ci: options.ci,
    uvu,
    report,
    onFile: (next) => {
      file = next
      running = 'importing the file'
      watchdog.file(file, report.counts())
    },
  })
  finished = true
  file = 'after the last test'
  await watchdog.close()

  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ')
    const where = hints.length > 0 ? ` (seen: ${hints.join('; ')})` : ''
    report.fault('a leaked handle', `still open ${options.leakMs / 1000} s after the last test: ${open}${where}`)
    process.exit(1)
  }, options.leakMs).unref()
}

try {
  const options = resolveRunnerOptions(process.argv.slice(2), process.env)
  if (typeof options === 'string') console.log(options)
  else await run(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
