/** Where a journal's old segments go. A segment is at most a few megabytes and never changes. */
export interface SegmentArchive {
  /**
   * Keeps the bytes and returns by which id they are found. Doing it again for the same segment does no harm; another process may keep
   * other bytes that begin with the same record, and both must stay until one of them is dropped.
   */
  put(journal: string, first: number, bytes: Uint8Array): Promise<string>
  /** Throws `StoreError` BLOB_BROKEN or BLOB_MISSING. */
  get(id: string): Promise<Uint8Array>
  /** The bytes of this id are no longer part of the journal, or never came to be. */
  drop(journal: string, first: number, id: string): Promise<void>
}
