import type { TraceContext } from '@stigmergy/grid'
import { RecordedContext } from './context.ts'
import { parseWord } from './hex.ts'
import type { Ids } from './ids.ts'
import { inShare } from './keep-rules.ts'
import type { Keeper } from './keeper.ts'
import { NEVER, TRACE_U32, type TraceTable } from './traces.ts'

/** Makes the contexts of new spans from those that came with events, and finds the traces they belong to. */
export class Contexts {
  readonly #maker: object
  readonly #traces: TraceTable
  readonly #ids: Ids
  readonly #keeper: Keeper
  readonly #headRatio: number
  /** Set by `#join`: the parent's span. */
  #parentHigh = 0
  #parentLow = 0

  constructor(maker: object, traces: TraceTable, ids: Ids, keeper: Keeper, headRatio: number) {
    this.#maker = maker
    this.#traces = traces
    this.#ids = ids
    this.#keeper = keeper
    this.#headRatio = headRatio
  }

  /** A new span under `parent`; without one, or with one that is not valid, a new trace. */
  make(parent: TraceContext | undefined): RecordedContext {
    const traces = this.#traces
    const ids = this.#ids
    let trace = -1
    let traceId = ''
    let flags = 1
    let plan: string | undefined
    this.#parentHigh = this.#parentLow = 0
    if (parent !== undefined) {
      trace = this.#join(parent)
      traceId = parent.traceId
      flags = parent.traceFlags
      plan = parent.planId
    }
    if (trace < 0) {
      this.#parentHigh = this.#parentLow = 0
      trace = traces.begin()
      traceId = ids.traceText(trace)
      flags = inShare(traces.u32[traces.row(trace) * 16 + 3] as number, this.#headRatio) ? 1 : 0
      this.#keeper.born(trace, flags === 1)
    }
    if (plan !== undefined) traces.setPlan(trace, plan)
    const low = ids.nextSpan()
    return new RecordedContext(this.#maker, traceId, ids.spanText(low), flags, trace, low, this.#parentHigh, this.#parentLow, plan)
  }

  /** Number of the trace of a context, -1 if it is not valid. Notes the span as the parent. */
  #join(parent: TraceContext): number {
    const own = RecordedContext.of(parent, this.#maker)
    if (own !== undefined) {
      this.#parentHigh = this.#ids.spanHigh
      this.#parentLow = RecordedContext.spanLow(own)
      const trace = RecordedContext.trace(own)
      if (this.#traces.has(trace)) return trace
    } else {
      this.#parentHigh = parseWord(parent.spanId, 0)
      this.#parentLow = parseWord(parent.spanId, 8)
      if (this.#parentHigh < 0 || this.#parentLow < 0 || parent.spanId.length !== 16) return -1
      if (this.#parentHigh === 0 && this.#parentLow === 0) return -1
    }
    return this.open(parent.traceId, parent.traceFlags)
  }

  /** Number of the trace with that id, known or new; -1 if that is no id. */
  open(traceId: string, traceFlags: number): number {
    const known = this.#traces.find(traceId)
    if (known >= 0) return known
    const trace = this.#traces.open(traceId)
    if (trace >= 0) this.#keeper.born(trace, (traceFlags & 1) === 1)
    return trace
  }

  /** The context of a span that was made elsewhere with ids of ours; undefined where they are none. */
  adopt(traceId: string, spanId: string, parentId: string | undefined): RecordedContext | undefined {
    const trace = this.open(traceId, 1)
    const low = parseWord(spanId, 8)
    if (trace < 0 || low < 0) return undefined
    const parent = parentId ?? '0'.repeat(16)
    const high = Math.max(0, parseWord(parent, 0))
    return new RecordedContext(this.#maker, traceId, spanId, 1, trace, low, high, Math.max(0, parseWord(parent, 8)), undefined)
  }

  /** A context of this recorder that came back as a plain object: a frozen copy, as the grid makes them. */
  copyOf({ traceId, spanId, traceFlags, planId }: TraceContext): RecordedContext | undefined {
    const trace = parseWord(spanId, 0) === this.#ids.spanHigh ? this.#traces.find(traceId) : -1
    if (trace < 0 || this.#traces.u32[this.#traces.row(trace) * 16 + TRACE_U32.keep] === NEVER) return undefined
    return new RecordedContext(this.#maker, traceId, spanId, traceFlags, trace, parseWord(spanId, 8), 0, 0, planId)
  }
}
