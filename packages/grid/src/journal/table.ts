import type { AckLevel } from '../store/store.ts'

/** Version of batches and segments (I9). A reader refuses a newer one and leaves it untouched. */
export const JOURNAL_SCHEMA_VERSION = 1

/** A row with a tag that is another one after each write; both undefined if there is none. */
export interface Tagged<T> {
  readonly tag: string | undefined
  readonly row: T | undefined
}

/** `first` <= `cold` <= `end`: records from `first` to `cold` lie in segments, from there to `end` in batches. */
export interface JournalHead {
  readonly first: number
  readonly cold: number
  readonly end: number
}

/** `[producer, seq, value]` */
export type BatchItem = readonly [producer: string, seq: number, value: Uint8Array]

/** Records that were appended by one commit. */
export interface JournalBatch {
  readonly first: number
  readonly wallMs: number
  readonly items: readonly BatchItem[]
}

/** Batches that were moved to the archive together. */
export interface JournalSegment {
  readonly first: number
  /** The offset after its last record. */
  readonly end: number
  /** By which the archive finds it. */
  readonly id: string
  readonly bytes: number
}

/** What one transaction writes. */
export interface JournalChange {
  readonly head: JournalHead
  /** Without its first offset, which is the head's end before. */
  readonly append?: { readonly first: number; readonly bytes: Uint8Array; readonly producers: ReadonlyMap<string, number> }
  readonly addSegment?: JournalSegment
  /** A reader to begin at the head's `first`: retention that has looked at the readers before finds another head, and looks again. */
  readonly addReader?: string
  /** First offsets of batches and segments to remove. */
  readonly dropBatches?: readonly number[]
  readonly dropSegments?: readonly number[]
}

/** Where journals are kept: rows behind a linearizable compare-and-set of a journal's head, whatever keeps them. */
export interface JournalTable {
  readonly level: AckLevel
  /** The newest committed head, of whichever process. */
  head(journal: string): Tagged<JournalHead>
  lastSeq(journal: string, producer: string): number
  /** The batch that holds the offset, or the first one after it, as it was packed. */
  batch(journal: string, offset: number): JournalBatch | undefined
  /** Packs what {@link batch} reads. */
  pack(wallMs: number, items: readonly BatchItem[]): Uint8Array
  segment(journal: string, offset: number): JournalSegment | undefined
  reader(journal: string, name: string): Tagged<number>
  /** Every named reader and what it has saved. */
  readers(journal: string): ReadonlyMap<string, number>
  /** In one transaction: looks whether the head still has this tag, then writes. False: it had not. */
  swap(journal: string, tag: string | undefined, change: JournalChange): Promise<string | undefined>
  /** Writes a reader's position, or removes the reader, if its row still has this tag. False: it had not. */
  swapReader(journal: string, name: string, tag: string | undefined, position: number | undefined): Promise<boolean>
  /** Calls `fn` soon after anything of the journal has changed, in whichever process; also at times when nothing has. */
  listen(journal: string, fn: () => void): () => void
}
