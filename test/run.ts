// Runs the tests (or, with --long, the long runs) under uvu, and fails on what uvu alone lets pass: a throwing hook,
// a forgotten run(), `only`, no file, an import that fails, a promise that never settles, a stray rejection, a handle
// that outlives the tests, a file that never ends, a lane that dies. The last line is always `N passed, N failed, N skipped`.
import { discover } from './runner/discover.ts'
import { runLanes } from './runner/lanes.ts'
import { resolveRunnerOptions, type RunnerOptions } from './runner/options.ts'
import { createReport } from './runner/report.ts'
import { runHere } from './runner/run-here.ts'
import { slowestFirst } from './runner/slow-files.ts'

const run = async (options: RunnerOptions, argv: readonly string[]): Promise<void> => {
  const write = (text: string): void => void process.stdout.write(text)
  const report = createReport(write)
  const { files, unmatched } = await discover(options.root, options.filters, options.long)
  for (const filter of unmatched) report.fault('the runner', `no test file matches "${filter}"`)
  if (files.length === 0 && unmatched.length === 0)
    report.fault('the runner', `no test file found in ${options.long ? 'test/long' : 'packages/*/test or test'}`)

  const lanes = Math.min(options.lanes, files.length)
  if (lanes < 2) return runHere(files, options, report)
  await runLanes(slowestFirst(files), { lanes, argv, report, write })
  process.exitCode = report.end()
}

try {
  const argv = process.argv.slice(2)
  const options = resolveRunnerOptions(argv, process.env)
  if (typeof options === 'string') console.log(options)
  else await run(options, argv)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
