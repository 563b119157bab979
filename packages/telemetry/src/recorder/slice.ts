import { U32 } from './layout.ts'
import type { Ring } from './ring.ts'
import { TRACE_F64, type TraceTable } from './traces.ts'

/** What of a trace waits for its export. */
export interface Slice {
  /** Numbers of its records, oldest first. */
  readonly seqs: readonly number[]
  /** Older ones were overwritten. */
  readonly lost: boolean
}

/** Walks a trace back along its records, from the newest to the first that was not exported yet. */
export function sliceOf(ring: Ring, traces: TraceTable, row: number): Slice {
  const until = traces.f64[row * 8 + TRACE_F64.emitted] as number
  const seqs: number[] = []
  for (let seq = (traces.f64[row * 8 + TRACE_F64.last] as number) - 1; seq >= until;) {
    const at = ring.find(seq)
    if (at < 0) return { seqs: seqs.toReversed(), lost: true }
    seqs.push(seq)
    const back = ring.u32[at + U32.back] as number
    if (back === 0) break
    seq -= back
  }
  return { seqs: seqs.toReversed(), lost: false }
}

/** True if what waits of the trace is in part older than record number `before`, or its row is gone. */
export function waitsBefore(ring: Ring, traces: TraceTable, trace: number, before: number): boolean {
  if (!traces.has(trace)) return true
  const row = traces.row(trace)
  const until = traces.f64[row * 8 + TRACE_F64.emitted] as number
  for (let seq = (traces.f64[row * 8 + TRACE_F64.last] as number) - 1; seq >= until;) {
    if (seq < before) return true
    const back = ring.u32[ring.find(seq) + U32.back] as number
    if (back === 0) break
    seq -= back
  }
  return false
}
