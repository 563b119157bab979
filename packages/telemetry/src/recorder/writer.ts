import type { AgentRow } from './agents.ts'
import { RecordedContext } from './context.ts'
import type { Contexts } from './contexts.ts'
import type { Ids } from './ids.ts'
import type { Keeper } from './keeper.ts'
import { EXTRA, F64, KIND, U32 } from './layout.ts'
import type { Extra } from './parts.ts'
import { plainError } from './plain.ts'
import { Plans } from './plans.ts'
import type { Ring } from './ring.ts'
import type { StringTable } from './strings.ts'
import { TRACE_F64, TRACE_U32, type TraceTable } from './traces.ts'

/** What a record is written into. */
export interface WriterHost {
  readonly ring: Ring
  readonly traces: TraceTable
  readonly keeper: Keeper
  readonly ids: Ids
  readonly strings: StringTable
}

/** Writes what every record of a trace has. */
export class RecordWriter {
  readonly #host: WriterHost
  readonly #contexts: Contexts
  readonly #pressure: () => void
  readonly #plans: Plans
  #pressureAt: number

  /** `pressure`: is called when a quarter of the ring was written since the last time. */
  constructor(host: WriterHost, contexts: Contexts, pressure: () => void) {
    this.#host = host
    this.#contexts = contexts
    this.#pressure = pressure
    this.#plans = new Plans(host.strings)
    this.#pressureAt = host.ring.capacity / 4
  }

  /** Ids and the way back; then the record is there. */
  write(at: number, context: RecordedContext, extra: Extra | undefined): void {
    const { ring, traces, ids } = this.#host
    const { u32 } = ring
    if (extra === undefined && traces.noteFirst(RecordedContext.trace(context), ring.head)) {
      ids.writeTrace(RecordedContext.trace(context), u32, at + U32.trace)
      u32[at + U32.back] = 0
    } else this.#append(at, context)
    u32[at + U32.spanHigh] = ids.spanHigh
    u32[at + U32.spanLow] = RecordedContext.spanLow(context)
    u32[at + U32.parentHigh] = RecordedContext.parentHigh(context)
    u32[at + U32.parentLow] = RecordedContext.parentLow(context)
    const plan = context.planId
    if (plan !== undefined) u32[at + U32.kind] = (u32[at + U32.kind] as number) | this.#plans.bits(plan)
    ring.f64[at / 2 + F64.seq] = ring.head + 1
    const seq = ring.commit()
    if (extra !== undefined) ring.setExtra(seq, extra.error === undefined ? extra : { ...extra, error: plainError(extra.error) })
    if (seq >= this.#pressureAt) this.#turn(seq)
  }

  /** A record that is no transition. `row`: its agent, if it has one. */
  point(
    kind: number,
    context: RecordedContext,
    row: AgentRow | undefined,
    event: string,
    restarts: number,
    extra: Extra | undefined,
    startedAtMs: number,
    endedAtMs: number,
  ): void {
    const { ring, strings } = this.#host
    if (row !== undefined && row.epoch !== strings.epoch) row.renew()
    const at = ring.claim(endedAtMs)
    const { u32, f64 } = ring
    f64[at / 2 + F64.enqueuedAtMs] = f64[at / 2 + F64.startedAtMs] = startedAtMs
    f64[at / 2 + F64.endedAtMs] = endedAtMs
    u32.fill(0, at + U32.agentId, at + U32.system + 1)
    u32[at + U32.kind] = extra === undefined ? kind : kind | EXTRA
    u32[at + U32.agentId] = row?.id ?? 0
    u32[at + U32.agentType] = row?.type ?? 0
    u32[at + U32.event] = strings.intern(event)
    u32[at + U32.restarts] = restarts
    u32[at + U32.system] = row?.system ?? 0
    this.write(at, context, extra)
  }

  #turn(seq: number): void {
    const { ring, strings } = this.#host
    this.#pressureAt = seq + ring.capacity / 4
    strings.turn(ring.head, ring.head - ring.capacity)
    this.#pressure()
  }

  /** The record is one of a trace with a row. */
  #append(at: number, context: RecordedContext): void {
    const { ring, traces, keeper } = this.#host
    const { u32 } = ring
    const trace = this.#contexts.traceOf(context)
    const row = traces.row(trace)
    const words = row * 16
    u32[at + U32.trace] = traces.u32[words] as number
    u32[at + U32.trace + 1] = traces.u32[words + 1] as number
    u32[at + U32.trace + 2] = traces.u32[words + 2] as number
    u32[at + U32.trace + 3] = traces.u32[words + 3] as number
    const last = traces.f64[row * 8 + TRACE_F64.last] as number
    const back = last === 0 ? 0 : ring.head + 1 - last
    u32[at + U32.back] = back < 2 ** 32 ? back : 2 ** 32 - 1
    traces.f64[row * 8 + TRACE_F64.last] = ring.head + 1
    if (u32[at + U32.kind] !== (KIND.link | EXTRA))
      traces.u32[words + TRACE_U32.pending] = (traces.u32[words + TRACE_U32.pending] as number) + 1
    if (traces.u32[words + TRACE_U32.keep] !== 0) keeper.touch(trace, row)
  }
}
