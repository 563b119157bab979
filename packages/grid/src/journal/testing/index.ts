import { appendCases } from './append-cases.ts'
import type { JournalCase } from './journal-bench.ts'
import { readerCases } from './reader-cases.ts'
import { retentionCases } from './retention-cases.ts'

export type { JournalBench, JournalCase } from './journal-bench.ts'

/** The conformance suite of journals, as data. */
export const journalCases: readonly JournalCase[] = [...appendCases, ...readerCases, ...retentionCases]
