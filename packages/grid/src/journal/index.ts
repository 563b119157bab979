export type { SegmentArchive } from './archive.ts'
export type {
  Journal,
  JournalExtent,
  JournalReader,
  JournalRecord,
  JournalStats,
  NextOptions,
  PauseOptions,
  ReadJournalOptions,
} from './journal.ts'
export { createMemoryJournalTable } from './memory-table.ts'
export { openJournal } from './open-journal.ts'
export type { JournalOptions } from './options.ts'
export type { BatchItem, JournalBatch, JournalChange, JournalHead, JournalSegment, JournalTable, Tagged } from './table.ts'
