import type { TraceContext } from '@stigmergy/grid'
import { planIn } from '../plan-id.ts'
import { RecordedContext } from './context.ts'
import { parseWord } from './hex.ts'
import type { Ids } from './ids.ts'
import { inShare } from './keep-rules.ts'
import type { Keeper } from './keeper.ts'
import type { ResolvedRecorderOptions } from './options.ts'
import { LACKS, NEVER, TRACE_U32, type TraceTable } from './traces.ts'

/** Contexts of new traces that are made at once. */
const ROW = 16

/**
 * Makes the contexts of new spans from those that came with events, and finds the traces they belong to. Those of new traces are made
 * sixteen in a row, before they are needed: whatever the agents do between two transitions drives code and memory out of the processor's
 * caches, so that making one alone costs more.
 */
export class Contexts {
  readonly #maker: object
  readonly #traces: TraceTable
  readonly #ids: Ids
  readonly #keeper: Keeper
  readonly #headRatio: number
  readonly #parentBased: boolean | undefined
  #made: readonly RecordedContext[] = []
  /** How many of them are used, and a bit for each whose trace has more to say than that it is there. */
  #used = ROW
  #special = 0

  constructor(
    maker: object,
    traces: TraceTable,
    ids: Ids,
    keeper: Keeper,
    { headRatio, parentBased }: Pick<ResolvedRecorderOptions, 'headRatio' | 'parentBased'>,
  ) {
    this.#maker = maker
    this.#traces = traces
    this.#ids = ids
    this.#keeper = keeper
    this.#headRatio = headRatio
    this.#parentBased = parentBased
    traces.whenMade = (trace) => keeper.born(trace, inShare(ids.lastWord(trace), headRatio))
  }

  /** A new span under `parent`; without one, or with one that is not valid, a new trace. */
  make(parent: TraceContext | undefined): RecordedContext {
    if (parent === undefined) return this.#root(undefined)
    const ids = this.#ids
    const own = RecordedContext.of(parent, this.#maker)
    let parentHigh: number
    let parentLow: number
    let trace = -1
    if (own !== undefined) {
      parentHigh = ids.spanHigh
      parentLow = RecordedContext.spanLow(own)
      trace = this.traceOf(own)
    } else {
      const { spanId } = parent
      parentHigh = parseWord(spanId, 0)
      parentLow = parseWord(spanId, 8)
      if (parentHigh < 0 || parentLow < 0 || spanId.length !== 16 || (parentHigh === 0 && parentLow === 0))
        return this.#root(planIn(parent))
    }
    if (trace < 0) trace = this.open(parent.traceId, parent.traceFlags)
    // Ours was checked when it was made.
    const planId = own === undefined ? planIn(parent) : own.planId
    if (trace < 0) return this.#root(planId)
    const traceFlags = own === undefined ? this.#flagsOf(trace, parent.traceFlags) : parent.traceFlags
    const low = ids.nextSpan()
    return new RecordedContext(this.#maker, parent.traceId, ids.spanText(low), traceFlags, trace, low, parentHigh, parentLow, planId)
  }

  #root(plan: string | undefined): RecordedContext {
    if (this.#used === ROW) this.#makeContexts()
    const at = this.#used
    this.#used = at + 1
    const context = this.#made[at] as RecordedContext
    if (plan !== undefined) RecordedContext.setPlan(context, plan)
    // Of all other traces nothing is known that a row would have to say.
    if (((this.#special >>> at) & 1) === 1) this.#traces.makeRow(RecordedContext.trace(context))
    return context
  }

  #makeContexts(): void {
    const traces = this.#traces
    const ids = this.#ids
    const made: RecordedContext[] = []
    let special = 0
    for (let at = 0; at < ROW; at++) {
      const trace = traces.begin()
      const word = ids.lastWord(trace)
      const sampled = inShare(word, this.#headRatio)
      const low = ids.nextSpan()
      if (!sampled || this.#keeper.isBase(word)) special |= 1 << at
      const flags = sampled ? 1 : 0
      made.push(new RecordedContext(this.#maker, ids.traceText(trace), ids.spanText(low), flags, trace, low, 0, 0, undefined))
    }
    this.#made = made
    this.#special = special
    this.#used = 0
  }

  /** Number of the trace of a context made here. One whose row was taken by another begins a new row: what was before is not found there. */
  traceOf(own: RecordedContext): number {
    const known = RecordedContext.trace(own)
    if (this.#traces.has(known)) return known
    const trace = this.open(own.traceId, own.traceFlags)
    const broken = this.#traces.row(trace) * 16 + TRACE_U32.broken
    if (trace >= 0 && this.#traces.u32[broken] === 0) this.#traces.u32[broken] = LACKS.unsaid
    return trace
  }

  /** Number of the trace with that id, known or new; -1 if that is no id. */
  open(traceId: string, traceFlags: number): number {
    const known = this.#traces.find(traceId)
    if (known >= 0) return known
    const trace = this.#traces.open(traceId)
    if (trace < 0) return trace
    const sampled = this.#parentBased === false ? this.#isInShare(trace) : (traceFlags & 1) === 1
    // Without a sampler what others did not sample is none of the base share; the rules see all.
    if (sampled || this.#parentBased !== undefined) this.#keeper.born(trace, sampled)
    // What was made long ago and never used would be too old to be known.
    const [oldest] = this.#made
    if (oldest !== undefined && trace - RecordedContext.trace(oldest) > this.#traces.capacity / 2) this.#used = ROW
    return trace
  }

  #isInShare(trace: number): boolean {
    return inShare(this.#traces.u32[this.#traces.row(trace) * 16 + 3] as number, this.#headRatio)
  }

  /** False for a trace that may never be kept. */
  samples(trace: number): boolean {
    return this.#traces.u32[this.#traces.row(trace) * 16 + TRACE_U32.keep] !== NEVER
  }

  /** What others are told of a trace that comes from outside: what is not sampled here has no spans here. `flags`: as they came. */
  #flagsOf(trace: number, flags: number): number {
    if (!this.samples(trace)) return flags & ~1
    return this.#parentBased === false ? flags | 1 : flags
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
  copyOf({ traceId, spanId, traceFlags }: TraceContext): RecordedContext | undefined {
    const trace = parseWord(spanId, 0) === this.#ids.spanHigh ? this.#traces.find(traceId) : -1
    if (trace < 0 || !this.samples(trace)) return undefined
    return new RecordedContext(this.#maker, traceId, spanId, traceFlags, trace, parseWord(spanId, 8), 0, 0, undefined)
  }
}
