import { markText, type Mark } from './marks.ts'

/** The numbers of a run so far. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Collects what a run found, and says it: faults as they come, and all of them again at the end. */
export interface Report {
  readonly add: (counts: Partial<Counts>) => void
  /** Something that fails the run; counts as one failed. `detail` is said once, `what` again at the end. */
  readonly fault: (where: string, what: string, detail?: string) => void
  /** A failed test that has been printed already; counts are given to `add`. */
  readonly failed: (where: string, what: string) => void
  readonly line: (text: string) => void
  /** What another thread prints when this one can speak no more and is killed: the fault, and the end. */
  readonly lastWords: (where: string, what: string) => string
  /** Says the end, once. The summary is the very last line. Returns the exit code. */
  readonly end: () => 0 | 1
}

/** `N passed, N failed, N skipped` */
const summary = ({ passed, failed, skipped }: Counts): string => `${passed} passed, ${failed} failed, ${skipped} skipped`

/** What an error says, on one line. */
export const firstLine = (error: unknown): string => String(error).split('\n', 1)[0] ?? ''

const faultText = (where: string, what: string): string => `\n  ✘ ${where}: ${what}\n`

/** Creates a report that writes to `write`. */
export const createReport = (write: (text: string) => void): Report => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  let ended = false

  const failed = (where: string, what: string): void => {
    failures.push(`  ${where}: ${what}`)
  }
  const line = (text: string): void => write(`${text}\n`)

  return {
    add: (more) => {
      counts.passed += more.passed ?? 0
      counts.failed += more.failed ?? 0
      counts.skipped += more.skipped ?? 0
    },
    fault: (where, what, detail = '') => {
      counts.failed += 1
      failed(where, what)
      write(faultText(where, what))
      if (detail) line(detail)
    },
    failed,
    line,
    lastWords: (where, what) => `${faultText(where, what)}\n${summary({ ...counts, failed: counts.failed + 1 })}\n`,
    end: () => {
      if (!ended) {
        ended = true
        if (failures.length > 0) line(`\nWhat failed:\n${failures.join('\n')}`)
        line(`\n${summary(counts)}`)
      }
      return counts.failed > 0 ? 1 : 0
    },
  }
}

/** Creates the report of a lane: it says faults as they come, and marks everything for the run, which counts and says the end. */
export const createLaneReport = (write: (text: string) => void): Report => {
  const tell = (mark: Mark): void => write(markText(mark))
  const marked = (where: string, what: string): string =>
    faultText(where, what) + markText({ says: 'counts', counts: { failed: 1 } }) + markText({ says: 'failed', where, what })
  let ended = false

  return {
    add: (counts) => tell({ says: 'counts', counts }),
    fault: (where, what, detail = '') => write(`${marked(where, what)}${detail && `${detail}\n`}`),
    failed: (where, what) => tell({ says: 'failed', where, what }),
    line: (text) => write(`${text}\n`),
    lastWords: (where, what) => marked(where, what) + markText({ says: 'end' }),
    end: () => {
      if (!ended) tell({ says: 'end' })
      ended = true
      return 0
    },
  }
}
