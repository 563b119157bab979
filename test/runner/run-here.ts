import { subscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import type { RunnerOptions } from './options.ts'
import { firstLine, type Report } from './report.ts'
import { runFiles } from './run-files.ts'
import { LIMITS } from './time-limit.ts'
import { holdUvu } from './uvu.ts'
import { startWatchdog, tooLong } from './watchdog.ts'

/** Runs files in this process, one after the other as they come, and books all that is wrong with them. It ends with the process. */
export const runHere = async (
  files: AsyncIterable<string> | Iterable<string>,
  options: Pick<RunnerOptions, 'root' | 'ci' | 'watchdogMs' | 'leakMs'>,
  report: Report,
): Promise<void> => {
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

  const watchdog = startWatchdog(options.watchdogMs, report.lastWords, (slow, test, limitMs) => {
    report.fault(slow, tooLong(test, limitMs))
    finished = true
    process.exit(1)
  })
  subscribe(LIMITS, (limitMs) => watchdog.allow(limitMs as number))
  const uvu = await holdUvu((suite, test) => {
    running = suite ? `${suite} › ${test}` : test
    watchdog.running(running)
  })

  const hints = await runFiles(files, {
    root: options.root,
    ci: options.ci,
    uvu,
    report,
    onFile: (next) => {
      file = next
      running = 'importing the file'
      watchdog.file(file)
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
