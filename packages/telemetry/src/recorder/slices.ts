/** What one process exported of one trace. An empty `traceId`: the process is there, and has nothing to tell yet. */
export interface SliceReceipt {
  readonly traceId: string
  /** The first 8 digits of the ids of its spans. */
  readonly process: string
  /** Ids of the spans. */
  readonly spans: readonly string[]
  /** Ids of their parents that were made elsewhere. */
  readonly needs: readonly string[]
}

export interface SliceLedgerOptions {
  /** How long another process may take to export its part. Milliseconds. */
  readonly timeoutMs: number
  readonly now: () => number
  /** A trace of ours lacks the part of another process. */
  readonly lacks: (traceId: string) => void
}

/** Who of the others has exported the parts of the traces we have a part of. */
export interface SliceLedger {
  /** Parts of other processes that never came: the process died, or lost them. */
  readonly lost: number
  /** Traces whose parts were not waited for, as too many others waited. */
  readonly unwatched: number
  /** We exported a part. */
  own(receipt: SliceReceipt): void
  /** Another process did. True if it was not known before. */
  hear(receipt: SliceReceipt): boolean
  /** Judges what has waited long enough. */
  settle(): void
}

interface Waiting {
  readonly dueMs: number
  /** Spans that somebody must still tell. */
  readonly owed: Set<string>
}

/** Traces that wait, spans heard of, and processes known, at most (I6). */
const MAX_WAITING = 4096
const MAX_HEARD = 65_536
const MAX_PROCESSES = 1024

/**
 * A parent that nobody exports is a hole in the trace. Spans begin with the number of their process, so a hole names the one that lacks.
 * A process that never spoke here is somebody else's, the caller of a web server for one: its spans are not waited for.
 */
export function createSliceLedger({ timeoutMs, now, lacks }: SliceLedgerOptions): SliceLedger {
  const waiting = new Map<string, Waiting>()
  /** Spans others told of, the oldest first: their word may come before ours. */
  const heard = new Set<string>()
  const processes = new Set<string>()
  let lost = 0
  let unwatched = 0

  const settle = (): void => {
    const nowMs = now()
    for (const [traceId, { dueMs, owed }] of waiting) {
      // In the order they came: the first that is not due ends it.
      if (dueMs > nowMs) return
      waiting.delete(traceId)
      const missing = new Set([...owed].map((span) => span.slice(0, 8)).filter((process) => processes.has(process)))
      if (missing.size === 0) continue
      lost += missing.size
      lacks(traceId)
    }
  }

  return {
    get lost() {
      return lost
    },
    get unwatched() {
      return unwatched
    },
    own({ traceId, needs }) {
      const missing = needs.filter((span) => !heard.has(span))
      const known = waiting.get(traceId)
      if (known !== undefined) for (const span of missing) known.owed.add(span)
      else if (missing.length === 0) return
      else if (waiting.size < MAX_WAITING) waiting.set(traceId, { dueMs: now() + timeoutMs, owed: new Set(missing) })
      else unwatched += 1
    },
    hear({ traceId, process, spans }) {
      const isNew = !processes.has(process) && processes.size < MAX_PROCESSES
      if (isNew) processes.add(process)
      const known = waiting.get(traceId)
      for (const span of spans) {
        known?.owed.delete(span)
        heard.add(span)
      }
      if (known?.owed.size === 0) waiting.delete(traceId)
      for (const oldest of heard) {
        if (heard.size <= MAX_HEARD) break
        heard.delete(oldest)
      }
      return isNew
    },
    settle,
  }
}
