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
const ROW = 32

/**
 * Makes the contexts of new spans from those that came with events, and finds the traces they belong to. Those of new traces are made
 * a row at once, before they are needed: whatever the agents do between two transitions drives code and memory out of the processor's
 * caches, so that making one alone costs more.
 */
export class Contexts {
  readonly #traces: TraceTable
  readonly #ids: Ids
  readonly #keeper: Keeper
  readonly #headRatio: number
  readonly #parentBased: boolean | undefined
  readonly #made: (RecordedContext | undefined)[] = Array.from({ length: ROW })
  /** Number of the trace of the first of them. */
  #first = 0
  /** How many of them are used, and a bit for each whose trace has more to say than that it is there. */
  #used = ROW
  #special = 0

  constructor(
    traces: TraceTable,
    ids: Ids,
    keeper: Keeper,
    { headRatio, parentBased }: Pick<ResolvedRecorderOptions, 'headRatio' | 'parentBased'>,
  ) {
    this.#traces = traces
    this.#ids = ids
    this.#keeper = keeper
    this.#headRatio = headRatio
    this.#parentBased = parentBased
    traces.whenMade = (trace) => keeper.born(trace, inShare(ids.lastWord(trace), headRatio))
  }

  /** A new span under `parent`; without one, or with one that is not valid, a new trace. */
  make(parent: TraceContext | undefined): RecordedContext {
    return parent === undefined ? this.#root() : this.#child(parent)
  }

  #child(parent: TraceContext): RecordedContext {
    const own = RecordedContext.of(parent, this.#ids)
    return own === undefined ? this.#childOfOther(parent) : this.#childOfOwn(own)
  }

  #childOfOwn(parent: RecordedContext): RecordedContext {
    const ids = this.#ids
    // Looked for first: where its trace is not known any more, its text is made.
    const trace = this.traceOf(parent)
    const { traceFlags, planId } = parent
    const traceId = RecordedContext.traceTextOf(parent)
    const above = RecordedContext.spanLow(parent)
    return new RecordedContext(ids, traceId, undefined, traceFlags, trace, ids.nextSpan(), ids.spanHigh, above, planId)
  }

  #childOfOther(parent: TraceContext): RecordedContext {
    const ids = this.#ids
    const { traceId, spanId } = parent
    const planId = planIn(parent)
    // A context that was copied with `...` has no fields: they are getters.
    if (typeof traceId !== 'string' || typeof spanId !== 'string') return this.#rootOf(planId)
    const high = parseWord(spanId, 0)
    const above = parseWord(spanId, 8)
    if (high < 0 || above < 0 || spanId.length !== 16 || (high === 0 && above === 0)) return this.#rootOf(planId)
    const trace = this.open(traceId, parent.traceFlags)
    if (trace < 0) return this.#rootOf(planId)
    return new RecordedContext(ids, traceId, undefined, this.#flagsOf(trace, parent.traceFlags), trace, ids.nextSpan(), high, above, planId)
  }

  #root(): RecordedContext {
    if (this.#used === ROW) this.#makeRow()
    const at = this.#used
    this.#used = at + 1
    const context = this.#made[at] as RecordedContext
    // Of all other traces nothing is known that a row would have to say.
    if (((this.#special >>> at) & 1) === 1) this.#traces.makeRow(RecordedContext.trace(context))
    return context
  }

  #rootOf(plan: string | undefined): RecordedContext {
    const context = this.#root()
    if (plan !== undefined) RecordedContext.setPlan(context, plan)
    return context
  }

  #makeRow(): void {
    const ids = this.#ids
    const made = this.#made
    const first = this.#traces.begin(ROW)
    let special = 0
    for (let at = 0; at < ROW; at++) {
      const trace = first + at
      const word = ids.lastWord(trace)
      const sampled = inShare(word, this.#headRatio)
      if (!sampled || this.#keeper.isBase(word)) special |= 1 << at
      made[at] = new RecordedContext(ids, undefined, undefined, sampled ? 1 : 0, trace, ids.nextSpan(), 0, 0, undefined)
    }
    this.#special = special
    this.#first = first
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
    if (trace - this.#first > this.#traces.capacity / 2) this.#used = ROW
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
    return new RecordedContext(this.#ids, traceId, spanId, 1, trace, low, high, Math.max(0, parseWord(parent, 8)), undefined)
  }

  /** A context of this recorder that came back as a plain object: a frozen copy, as the grid makes them. */
  copyOf({ traceId, spanId, traceFlags }: TraceContext): RecordedContext | undefined {
    const trace = parseWord(spanId, 0) === this.#ids.spanHigh ? this.#traces.find(traceId) : -1
    if (trace < 0 || !this.samples(trace)) return undefined
    return new RecordedContext(this.#ids, traceId, spanId, traceFlags, trace, parseWord(spanId, 8), 0, 0, undefined)
  }
}
