import type { Link } from '@opentelemetry/api'
import { KIND, U32 } from './layout.ts'
import { readFlight, type FlightRecord } from './read.ts'
import { portable, type HandedRecord } from './handed.ts'
import { keptSpan, type RecordedSpan } from './recorded-span.ts'
import type { Extra } from './parts.ts'
import type { Recorder } from './recorder.ts'
import { KEEP_REASONS } from './keep-rules.ts'
import { LACKS, TRACE_F64, TRACE_U32 } from './traces.ts'
import type { SliceReceipt } from './slices.ts'

/** What the export of kept traces came to. */
export interface DrainCounts {
  /** Kept traces of which this process exported spans, and those of them that lack some: overwritten, or over the bound. */
  readonly traces: number
  readonly incomplete: number
  /** Spans over the bound of their trace. */
  readonly truncated: number
}

export interface Drain {
  readonly counts: DrainCounts
  /** Makes spans of what was recorded in kept traces, of whole slices until at least `limit` spans. False when nothing is left. */
  run(limit: number): boolean
  /** The trace lacks spans, here or elsewhere: counted once. */
  lacks(traceId: string): void
  /** A span that was told found no room further on, so its trace lacks it: counted once, while the trace is known. `trace`: its id or number. */
  dropped(trace: string | number): void
}

const NONE: readonly Link[] = []
const NO_SPAN = '0'.repeat(16)

/** Where what was recorded of kept traces goes. None of them may throw. */
export interface Outlets {
  /** Takes a span; undefined where nobody on this thread wants any: then none is made here. */
  readonly emit: ((span: RecordedSpan) => void) | undefined
  /** Takes a span of an instrumentation. */
  readonly emitGuest: (span: object) => void
  /** Takes records for another thread, which makes the spans of them. @default there is none */
  readonly handOver?: ((records: readonly HandedRecord[]) => void) | undefined
  /** So many spans of kept traces were overwritten before they could be told. @default nobody wants to know */
  readonly lost?: ((spans: number) => void) | undefined
  /** Is told what was exported of a trace. @default nobody wants to know */
  readonly receipt?: ((receipt: SliceReceipt) => void) | undefined
}

/** Walks the kept traces back along their records, and tells each span once. `outlets` are asked for at each run, as they may change. */
export function createDrain(recorder: Recorder, maxSpans: number, outlets: () => Outlets): Drain {
  const { ring, traces, keeper, strings } = recorder
  const reader = readFlight({ ring: ring.buffer, strings: strings.buffer })
  const counts = { traces: 0, incomplete: 0, truncated: 0 }
  const process = recorder.ids.spanText(0).slice(0, 8)
  let handed: HandedRecord[] = []
  let out = outlets()

  /** Numbers of the records not exported yet, oldest first. */
  const slice = (row: number): { readonly seqs: readonly number[]; readonly lost: boolean } => {
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

  const breaks = (row: number): void => {
    if (traces.u32[row * 16 + TRACE_U32.broken] === LACKS.counted) return
    traces.u32[row * 16 + TRACE_U32.broken] = LACKS.counted
    counts.incomplete += 1
  }

  /** `record`: undefined where no span is made here. */
  const tell = (
    trace: number,
    seq: number,
    record: FlightRecord | undefined,
    guest: boolean,
    links: readonly Link[],
    plan: string | undefined,
  ): void => {
    const { emit, emitGuest, handOver } = out
    const extra = ring.extra(seq) as Extra | undefined
    // Looked up each time: who takes spans may begin traces, and the table grow.
    const row = traces.row(trace)
    const told = (traces.u32[row * 16 + TRACE_U32.spans] as number) + 1
    traces.u32[row * 16 + TRACE_U32.spans] = told
    if (told > maxSpans) {
      counts.truncated += 1
      if (told > maxSpans + 1) return
      breaks(row)
    } else if (guest) {
      if (extra?.guest === undefined) {
        breaks(row)
        out.lost?.(1)
      } else emitGuest(extra.guest)
      return
    }
    const kept = KEEP_REASONS[(traces.u32[row * 16 + TRACE_U32.keep] as number) - 1]
    // On the first span of the slice: why the trace is here, unless by mere chance.
    const reason = told === 1 && kept !== 'base' ? kept : undefined
    const bound = told > maxSpans ? maxSpans : undefined
    if (record !== undefined) emit?.(keptSpan(record, extra, { links, plan, reason, maxSpans: bound }))
    if (handOver !== undefined) handed.push({ seq, trace, extra: portable(extra), links, plan, reason, maxSpans: bound })
  }

  const wanted = (): boolean => out.emit !== undefined || out.handOver !== undefined

  const drainTrace = (trace: number): number => {
    if (!traces.has(trace)) {
      // Its row was taken before it could be exported: what it had is in `traces.lost`.
      counts.traces += 1
      counts.incomplete += 1
      return 0
    }
    const row = traces.row(trace)
    traces.u32[row * 16 + TRACE_U32.dirty] = 0
    const { seqs, lost } = slice(row)
    // One kept elsewhere may have nothing here yet.
    if (traces.f64[row * 8 + TRACE_F64.emitted] === 0 && traces.f64[row * 8 + TRACE_F64.last] !== 0) counts.traces += 1
    let missing = traces.u32[row * 16 + TRACE_U32.pending] as number
    traces.u32[row * 16 + TRACE_U32.pending] = 0
    if (lost || traces.u32[row * 16 + TRACE_U32.broken] === LACKS.unsaid) breaks(row)
    traces.f64[row * 8 + TRACE_F64.emitted] = traces.f64[row * 8 + TRACE_F64.last] as number
    // Of the span by its low half. Links are rare.
    let causes: Map<number, Link[]> | undefined
    const plan = traces.plan(trace)
    const spans: string[] = []
    const needs: string[] = []
    const { emit, receipt } = out
    let traceId = ''
    for (const seq of seqs) {
      const at = ring.find(seq)
      const low = ring.u32[at + U32.spanLow] as number
      const kind = (ring.u32[at + U32.kind] as number) & 0xff
      if (kind === KIND.link) {
        const extra = ring.extra(seq) as Extra | undefined
        if (extra?.link === undefined) continue
        causes ??= new Map()
        const others = causes.get(low) ?? []
        if (!others.some(({ context }) => context.spanId === extra.link?.spanId && context.traceId === extra.link.traceId))
          causes.set(low, [...others, { context: { ...extra.link, isRemote: true } }])
        continue
      }
      missing -= 1
      const [record] = emit === undefined && receipt === undefined ? [] : reader.read(seq, 1).records
      // The slot is the one that is written next: readers take nothing from it.
      if (emit !== undefined && record === undefined) {
        missing += 1
        breaks(row)
        continue
      }
      tell(trace, seq, emit && record, kind === KIND.guest, causes?.get(low) ?? NONE, plan)
      if (receipt === undefined || record === undefined) continue
      traceId = record.traceId
      spans.push(record.spanId)
      if (record.parentId !== NO_SPAN && !record.parentId.startsWith(process)) needs.push(record.parentId)
    }
    if (traceId !== '') receipt?.({ traceId, process, spans, needs })
    if (missing > 0 && wanted()) out.lost?.(missing)
    return seqs.length
  }

  return {
    counts,
    lacks(traceId) {
      const trace = traces.find(traceId)
      if (trace >= 0 && traces.has(trace)) breaks(traces.row(trace))
      else counts.incomplete += 1
    },
    dropped(given) {
      const trace = typeof given === 'number' ? given : traces.find(given)
      if (trace >= 0 && traces.has(trace) && traces.isKept(trace)) breaks(traces.row(trace))
    },
    run(limit) {
      out = outlets()
      let told = 0
      const list = keeper.dirty
      let next = 0
      while (next < list.length && told < limit) told += drainTrace(list[next++] as number)
      keeper.dirty = list.slice(next)
      if (traces.lost > 0 && wanted()) out.lost?.(traces.lost)
      traces.lost = 0
      if (handed.length > 0) out.handOver?.(handed)
      handed = []
      return keeper.dirty.length > 0
    },
  }
}
