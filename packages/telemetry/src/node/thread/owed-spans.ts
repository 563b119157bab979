import type { Losable } from '../lost-spans.ts'

/** The trace of a span as it was handed over: by number, or of a span of an instrumentation by id. */
export type TraceKey = string | number

/** How the spans that a thread was given fare: each is owed to all exporters, until they are done with it or one of them has lost it. */
export interface OwedSpans {
  /** It goes to all exporters. */
  add(span: Losable, trace: TraceKey): void
  /** An exporter is done with these. */
  done(spans: readonly Losable[]): void
  lost(span: Losable): void
  /** Of one that never came to be a span. */
  unmade(trace: TraceKey): void
  /** Since it was asked last, of each trace: how many spans are owed no more, and how many of them were lost. */
  take(): { readonly settled: ReadonlyMap<TraceKey, number>; readonly lost: ReadonlyMap<TraceKey, number> }
}

/** `exporters`: how many there are. */
export function createOwedSpans(exporters: number): OwedSpans {
  const owed = new WeakMap<Losable, { readonly trace: TraceKey; left: number }>()
  let settled = new Map<TraceKey, number>()
  let lost = new Map<TraceKey, number>()

  const settle = (trace: TraceKey): void => count(settled, trace)
  const lose = (trace: TraceKey): void => {
    settle(trace)
    count(lost, trace)
  }

  return {
    add(span, trace) {
      if (exporters > 0) owed.set(span, { trace, left: exporters })
      else settle(trace)
    },
    done(spans) {
      for (const span of spans) {
        const own = owed.get(span)
        if (own === undefined) continue
        own.left -= 1
        if (own.left > 0) continue
        owed.delete(span)
        settle(own.trace)
      }
    },
    lost(span) {
      const own = owed.get(span)
      if (own === undefined) return
      owed.delete(span)
      lose(own.trace)
    },
    unmade: lose,
    take() {
      const taken = { settled, lost }
      settled = new Map()
      lost = new Map()
      return taken
    },
  }
}

function count(counts: Map<TraceKey, number>, trace: TraceKey): void {
  counts.set(trace, (counts.get(trace) ?? 0) + 1)
}
