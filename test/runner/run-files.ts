import { subscribe } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect, stripVTControlCharacters } from 'node:util'
import { SKIPS, type Skip } from './needs.ts'
import { firstLine, type Report } from './report.ts'
import type { HeldUvu, Outcome } from './uvu.ts'

/** What running files needs. */
export interface Run {
  readonly root: string
  readonly ci: boolean
  readonly uvu: HeldUvu
  readonly report: Report
  /** Called as each file starts. */
  readonly onFile: (file: string) => void
}

const SLOW_MS = 1000

/** uvu formats what failed, in colour; the names are read back for the list at the end. */
const failedTests = (errors: string): readonly string[] =>
  [...stripVTControlCharacters(errors).matchAll(/^ *FAIL +(?:(.+?) +)?"(.*)"$/gm)].map(([, suite, test]) =>
    suite ? `${suite} › ${test}` : `${test}`,
  )

/** Runs one suite and books what it says. Returns how many tests were skipped. */
const runSuite = async (run: () => Promise<Outcome>, file: string, report: Report): Promise<number> => {
  const [errors, passed, skipped, total, only] = await run()
  report.add({ passed })
  if (errors !== true) {
    report.add({ failed: Math.max(total - passed, 1) })
    report.line(`\n${file}\n${errors}`)
    for (const name of failedTests(errors)) report.failed(file, name)
  }
  if (only > 0) report.fault(file, `test.only: ${skipped} other tests of the suite did not run`)
  return only > 0 ? 0 : skipped
}

const bookSkips = (skipped: number, reasons: readonly Skip[], file: string, { ci, report }: Run): void => {
  for (const { test, needs } of reasons) {
    if (ci) report.fault(file, `"${test}" needs ${needs}, and where CI is set it must be there`)
    else report.line(`  skipped: "${test}" needs ${needs}`)
  }
  const silent = skipped - reasons.length
  if (silent > 0 && ci) report.fault(file, `test.skip: ${silent} skipped without a reason (use needs() of test/runner/needs.ts)`)
  else if (silent > 0) report.line(`  skipped: ${silent} without a reason`)
  if (!ci) report.add({ skipped })
}

/** Runs one file: imports it, runs its suites one after another, books everything that is wrong with it. */
const runFile = async (file: string, run: Run, reasons: readonly Skip[]): Promise<void> => {
  const { report } = run
  report.line(file)
  let skipped = 0
  try {
    const { runs, forgotten } = await run.uvu.load(run.root, file)
    for (const name of forgotten) report.fault(file, `suite "${name}" has tests and no run(): end it with \`test.run()\``)
    if (runs.length === 0 && forgotten.length === 0) report.fault(file, 'registers no suite: end it with `test.run()`')
    for (const suite of runs) skipped += await runSuite(suite, file, report)
  } catch (error) {
    report.fault(file, `could not be run: ${firstLine(error)}`, inspect(error))
  }
  bookSkips(skipped, reasons, file, run)
}

/**
 * Runs the files as they come. Returns, per kind of handle, the files after which more of them were open than before:
 * a hint for the case that one of them keeps the process alive.
 */
export const runFiles = async (files: AsyncIterable<string> | Iterable<string>, run: Run): Promise<readonly string[]> => {
  let reasons: Skip[] = []
  subscribe(SKIPS, (skip) => void reasons.push(skip as Skip))
  const hints: string[] = []
  for await (const file of files) {
    const started = performance.now()
    const before = openHandles()
    reasons = []
    run.onFile(file)
    await runFile(file, run, reasons)
    // A rejection that nobody handles shows only once this turn has ended.
    await turn()
    const ms = performance.now() - started
    if (ms > SLOW_MS) run.report.line(`  ${(ms / 1000).toFixed(1)} s`)
    for (const [kind, count] of openHandles()) if (count > (before.get(kind) ?? 0)) hints.push(`${kind} after ${file}`)
  }
  return hints
}

const openHandles = (): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}
