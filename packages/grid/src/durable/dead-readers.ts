import type { Clock } from '../time/clock.ts'

const EVERY_MS = 5000

/**
 * A process that was killed while it read leaves its place in lmdb's list of readers, and lmdb keeps every page from then on: the file would
 * grow until the disk is full (I6). lmdb looks for such places only when a file is opened. So whoever writes looks now and then.
 */
export function clearDeadReaders(clock: Clock, clear: () => void): () => void {
  let dueMs = clock.now() + EVERY_MS
  return () => {
    const nowMs = clock.now()
    if (nowMs < dueMs) return
    dueMs = nowMs + EVERY_MS
    clear()
  }
}
