import type { DurableReader, JournalEntry, LeaseEntry } from '../../durable/durable-reader.ts'

/** What the commands look at, wherever it is. A bucket has neither maps nor journals to name. */
export interface GridReader extends Pick<DurableReader, 'blobs' | 'close' | 'maps' | 'store'> {
  /** What is known of it in a word or two: `94 kB, schema version 2`. */
  readonly about: string
  readonly schemaVersion: number
  readonly bytes: number | null
  ids(): AsyncIterable<string> | Iterable<string>
  leases(): AsyncIterable<LeaseEntry> | Iterable<LeaseEntry>
  journalNames(): readonly string[]
  journals(): readonly JournalEntry[]
  journal(name: string): ReturnType<DurableReader['journal']>
}
