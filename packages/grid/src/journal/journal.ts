import type { AckLevel } from '../store/store.ts'

/** One record as it is kept. Offsets are 0, 1, 2 … without a hole, over all producers. */
export interface JournalRecord {
  readonly offset: number
  readonly producer: string
  /** The producer's own number of it: 1, 2, 3 … */
  readonly seq: number
  /** A copy of the reader's own. */
  readonly value: Uint8Array
  /** When it was appended, in milliseconds since 1970 by the wall clock of whoever appended it. For people, never to judge an age. */
  readonly wallMs: number
}

export interface ReadJournalOptions {
  /** The most records to return; fewer once they hold 4 MB. @default 256 */
  readonly limit?: number
}

export interface NextOptions extends ReadJournalOptions {
  /** Ends the wait; the call rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface PauseOptions {
  /** Ends the wait; the call rejects with its reason. */
  readonly signal?: AbortSignal
  /** Then it throws JOURNAL_LAGGING. @default 30000 */
  readonly timeoutMs?: number
}

/** What a journal holds, as of one moment. */
export interface JournalExtent {
  /** The oldest record that can still be read. */
  readonly first: number
  /** Below it records lie in blobs. */
  readonly cold: number
  /** The offset the next record will get. */
  readonly end: number
}

export interface JournalStats {
  /** Appends that wait for their commit. */
  readonly pending: number
  /** Records this process appended. */
  readonly appended: number
  /** Appends of this process that were there already. */
  readonly duplicates: number
  /** Records dropped by retention here although a named reader had not read them: `unread: 'drop'`. */
  readonly droppedUnread: number
  /** Tidyings after an append that failed, and why the last one did. They are tried again. */
  readonly failedTidies: number
  readonly lastTidyError: unknown
}

/**
 * An append-only log whose truth is in a store. Many processes append and read. Errors are `StoreError`.
 * What reaches a reader is at least once, in order, without a hole; with the offset kept beside the effect it is exactly once.
 */
export interface Journal extends AsyncDisposable {
  readonly name: string
  /** What a resolved append promises. */
  readonly level: AckLevel
  /**
   * Appends, once per (producer, seq), and returns the offset; undefined if this number was there already, so any append may be
   * repeated when its outcome is unknown. `seq` counts from 1: one that leaves a number out is refused with JOURNAL_GAP, because the
   * missing one could never come later. Appends of one process are in the order they were asked for, and share commits.
   * Throws STORE_BUSY if `maxPending` records wait.
   */
  append(producer: string, seq: number, value: Uint8Array): Promise<number | undefined>
  /** Appends all or none, numbered from `seq` on. Those that are there already are left out: undefined in their place. */
  appendAll(producer: string, seq: number, values: readonly Uint8Array[]): Promise<readonly (number | undefined)[]>
  /** The last number of a producer; 0 if there is none. The next is one more. */
  lastSeq(producer: string): Promise<number>
  /** Records from an offset on, hot or cold; none at the end. Throws JOURNAL_TRIMMED if they are gone. */
  read(from: number, options?: ReadJournalOptions): Promise<readonly JournalRecord[]>
  /** A reader that goes on where the last one of this name has saved; the first one begins at the oldest record. */
  reader(name: string): Promise<JournalReader>
  /** How many records lie behind what the named reader has saved. Throws BAD_ID if there is no such reader. */
  lag(reader: string): Promise<number>
  /** Returns once the named reader's lag is at most `limit` records: a producer that awaits it before it appends never runs away. */
  pauseWhenLag(reader: string, limit: number, options?: PauseOptions): Promise<void>
  /** Forgets a reader: it no longer holds records back, and one of its name begins anew. */
  forgetReader(name: string): Promise<void>
  extent(): Promise<JournalExtent>
  /** Moves old records to the archive and drops what retention allows. Also done after appends, when there is enough to do. */
  tidy(): Promise<void>
  stats(): JournalStats
  /**
   * Waits for the appends under way, then ends readers and waits; a tidying ends after the segment it is at. The store stays open.
   * Throws STORE_TIMEOUT if the archive does not answer for 10 s: then all else is closed, and the segment is still in the store.
   */
  close(): Promise<void>
}

/** Iterating yields records one by one and waits for more, until it is closed. */
export interface JournalReader extends AsyncIterable<JournalRecord>, AsyncDisposable {
  readonly name: string
  /** The offset of the next record it hands out. */
  readonly position: number
  /** At least one record; waits for the live tail if there is none. Throws JOURNAL_TRIMMED, and CLOSED when it is closed. */
  next(options?: NextOptions): Promise<readonly JournalRecord[]>
  /**
   * Keeps the position: whoever comes after begins there. Never goes back. It may be the journal's oldest record where what came
   * before was dropped: then this reader goes on there. @default `position`: all that was handed out is done
   */
  save(position?: number): Promise<void>
  /** How many records it has not handed out yet, as of now. */
  lag(): number
  close(): Promise<void>
}
