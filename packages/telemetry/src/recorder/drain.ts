import type { Link } from '@opentelemetry/api'
import { chooseSpans, isSymptom } from './cut.ts'
import { EXTRA, KIND, U32 } from './layout.ts'
import { readFlight, type FlightRecord } from './read.ts'
import { portable, type HandedRecord } from './handed.ts'
import { keptSpan, type RecordedSpan } from './recorded-span.ts'
import type { Recorder } from './recorder.ts'
import { KEEP_REASONS } from './keep-rules.ts'
import { LACKS, TRACE_F64, TRACE_U32 } from './traces.ts'
import { sliceOf, waitsBefore } from './slice.ts'
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
  /**
   * Makes spans of what was recorded in kept traces, of whole slices until at least `limit` spans; beyond that only of traces with records
   * before number `before`. False when nothing is left.
   */
  run(limit: number, before?: number): boolean
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
  /** So many spans of kept traces were overwritten before they could be told, or are over the bound. @default nobody wants to know */
  readonly lost?: ((spans: number) => void) | undefined
  /** What a span or link of a kept trace had to tell beside its record was let go. @default nobody wants to know */
  readonly bare?: (() => void) | undefined
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
  let running = false

  const breaks = (row: number): void => {
    if (traces.u32[row * 16 + TRACE_U32.broken] === LACKS.counted) return
    traces.u32[row * 16 + TRACE_U32.broken] = LACKS.counted
    counts.incomplete += 1
  }

  const kindOf = (seq: number): number => ring.u32[ring.find(seq) + U32.kind] as number

  /** `record`: undefined where no span is made here. `bound`: it stands for those over the bound. */
  const tell = (
    trace: number,
    seq: number,
    record: FlightRecord | undefined,
    guest: boolean,
    links: readonly Link[],
    bound: number | undefined,
  ): void => {
    const { emit, emitGuest, handOver } = out
    const extra = ring.extra(seq)
    // Looked up each time: who takes spans may begin traces, and the table grow.
    const row = traces.row(trace)
    const told = (traces.u32[row * 16 + TRACE_U32.spans] as number) + 1
    traces.u32[row * 16 + TRACE_U32.spans] = told
    if (guest && bound === undefined) {
      if (extra?.guest === undefined) {
        breaks(row)
        out.lost?.(1)
      } else emitGuest(extra.guest)
      return
    }
    if (extra === undefined && bound === undefined && (kindOf(seq) & EXTRA) !== 0) out.bare?.()
    const kept = KEEP_REASONS[(traces.u32[row * 16 + TRACE_U32.keep] as number) - 1]
    // On the first span of the slice: why the trace is here, unless by mere chance.
    const reason = told === 1 && kept !== 'base' ? kept : undefined
    if (record !== undefined) emit?.(keptSpan(record, extra, { links, reason, maxSpans: bound }))
    if (handOver !== undefined) handed.push({ seq, trace, extra: portable(extra), links, reason, maxSpans: bound })
  }

  /** The records of a slice that find room in their trace; undefined: all of them. */
  const fitting = (row: number, seqs: readonly number[]): ReadonlySet<number> | undefined => {
    const told = traces.u32[row * 16 + TRACE_U32.spans] as number
    const room = Math.max(0, maxSpans - told)
    if (seqs.length <= room) return undefined
    const spans = seqs.filter((seq) => (kindOf(seq) & 0xff) !== KIND.link)
    const symptoms = spans.map((seq) => isSymptom(kindOf(seq)))
    // As many symptoms again, and the one span that says so.
    const chosen = chooseSpans(symptoms, room, Math.max(0, 2 * maxSpans + 1 - told))
    return chosen && new Set(spans.filter((_, at) => chosen.has(at)))
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
    const { seqs, lost } = sliceOf(ring, traces, row)
    // One kept elsewhere may have nothing here yet.
    if (traces.f64[row * 8 + TRACE_F64.emitted] === 0 && traces.f64[row * 8 + TRACE_F64.last] !== 0) counts.traces += 1
    let missing = traces.u32[row * 16 + TRACE_U32.pending] as number
    traces.u32[row * 16 + TRACE_U32.pending] = 0
    if (lost || traces.u32[row * 16 + TRACE_U32.broken] === LACKS.unsaid) breaks(row)
    traces.f64[row * 8 + TRACE_F64.emitted] = traces.f64[row * 8 + TRACE_F64.last] as number
    // Of the span by its low half. Links are rare.
    let causes: Map<number, Link[]> | undefined
    const spans: string[] = []
    const needs: string[] = []
    const { emit, receipt } = out
    let traceId = ''
    const chosen = fitting(row, seqs)
    let said = (traces.u32[row * 16 + TRACE_U32.spans] as number) > maxSpans
    let over = 0
    for (const seq of seqs) {
      const at = ring.find(seq)
      const low = ring.u32[at + U32.spanLow] as number
      const kind = (ring.u32[at + U32.kind] as number) & 0xff
      if (kind === KIND.link) {
        const extra = ring.extra(seq)
        if (extra?.link === undefined) continue
        causes ??= new Map()
        const others = causes.get(low) ?? []
        if (!others.some(({ context }) => context.spanId === extra.link?.spanId && context.traceId === extra.link.traceId))
          causes.set(low, [...others, { context: { ...extra.link, isRemote: true } }])
        continue
      }
      missing -= 1
      const isOver = chosen?.has(seq) === false
      if (isOver) {
        over += 1
        if (said) continue
      }
      const [record] = emit === undefined && receipt === undefined ? [] : reader.read(seq, 1).records
      // The slot is the one that is written next: readers take nothing from it.
      if (emit !== undefined && record === undefined) {
        missing += 1
        breaks(row)
        continue
      }
      tell(trace, seq, emit && record, kind === KIND.guest, causes?.get(low) ?? NONE, isOver ? maxSpans : undefined)
      if (isOver) said = true
      if (receipt === undefined || record === undefined) continue
      traceId = record.traceId
      spans.push(record.spanId)
      if (record.parentId !== NO_SPAN && !record.parentId.startsWith(process)) needs.push(record.parentId)
    }
    if (over > 0) {
      counts.truncated += over
      missing += over
      const after = traces.row(trace)
      breaks(after)
      // Said, whatever was told: what comes later finds no room.
      traces.u32[after * 16 + TRACE_U32.spans] = Math.max(maxSpans + 1, traces.u32[after * 16 + TRACE_U32.spans] as number)
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
    run(limit, before = 0) {
      // Who takes spans may write as many records as ask for this.
      if (running) return true
      running = true
      out = outlets()
      let told = 0
      const list = keeper.dirty
      let next = 0
      while (next < list.length && told < limit) told += drainTrace(list[next++] as number)
      // What is told may cause more: that comes after the others.
      keeper.dirty = []
      const left = list.slice(next).filter((trace) => {
        const stays = before === 0 || !waitsBefore(ring, traces, trace, before)
        if (!stays) drainTrace(trace)
        return stays
      })
      keeper.dirty = left.concat(keeper.dirty)
      if (traces.lost > 0 && wanted()) out.lost?.(traces.lost)
      traces.lost = 0
      if (handed.length > 0) out.handOver?.(handed)
      handed = []
      running = false
      return keeper.dirty.length > 0
    },
  }
}
