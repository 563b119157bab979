import type { TraceContext } from '@stigmergy/grid'
import type { Ids } from './ids.ts'

/**
 * The context of a recorded transition. To everybody else it is a trace context, whose fields are getters: most are never asked for their
 * texts, so these are made when somebody does. The recorder that made it finds the numbers in it again without reading a text.
 * A copy of it (a message to another process, a grid entry) is read as text.
 * Halves of ids are signed 32-bit integers here, which V8 keeps in the object itself: a greater number would be an object of its own.
 */
export class RecordedContext implements TraceContext {
  readonly #ids: Ids
  readonly #flags: number
  readonly #trace: number
  readonly #spanLow: number
  readonly #parentHigh: number
  readonly #parentLow: number
  #traceId: string | undefined
  #spanId: string | undefined
  #plan: string | undefined

  /** Texts that are not given are those of the numbers in `ids`. */
  constructor(
    ids: Ids,
    traceId: string | undefined,
    spanId: string | undefined,
    flags: number,
    trace: number,
    spanLow: number,
    parentHigh: number,
    parentLow: number,
    plan: string | undefined,
  ) {
    this.#ids = ids
    this.#flags = flags
    this.#trace = trace
    this.#spanLow = spanLow | 0
    this.#parentHigh = parentHigh | 0
    this.#parentLow = parentLow | 0
    this.#traceId = traceId
    this.#spanId = spanId
    this.#plan = plan
  }

  get traceId(): string {
    return (this.#traceId ??= this.#ids.traceText(this.#trace))
  }

  get spanId(): string {
    return (this.#spanId ??= this.#ids.spanText(this.#spanLow))
  }

  get traceFlags(): number {
    return this.#flags
  }

  get planId(): string | undefined {
    return this.#plan
  }

  /** A plain copy: what JSON and msgpackr write. */
  toJSON(): TraceContext {
    const { traceId, spanId, traceFlags, planId } = this
    return planId === undefined ? { traceId, spanId, traceFlags } : { traceId, spanId, traceFlags, planId }
  }

  static {
    // The same for who looks at it in a console: https://nodejs.org/api/util.html#custom-inspection-functions-on-objects
    const value = RecordedContext.prototype.toJSON
    Object.defineProperty(RecordedContext.prototype, Symbol.for('nodejs.util.inspect.custom'), { value })
  }

  /** From here on the work belongs to that plan. */
  static setPlan(context: RecordedContext, plan: string): void {
    context.#plan = plan
  }

  /** The context, if it is one of the recorder with these ids. */
  static of(context: TraceContext, ids: Ids): RecordedContext | undefined {
    return #ids in context && context.#ids === ids ? context : undefined
  }

  /** The id of its trace where it was made already, or cannot be made: that of a trace from elsewhere. */
  static traceTextOf(context: RecordedContext): string | undefined {
    return context.#traceId
  }

  /** Number of the trace in the recorder's table. */
  static trace(context: RecordedContext): number {
    return context.#trace
  }

  static spanLow(context: RecordedContext): number {
    return context.#spanLow
  }

  static parentHigh(context: RecordedContext): number {
    return context.#parentHigh
  }

  static parentLow(context: RecordedContext): number {
    return context.#parentLow
  }
}
