import type { TraceContext } from '@stigmergy/grid'

/**
 * The context of a recorded transition. To everybody else it is a plain trace context; the recorder that made it finds the numbers in it
 * again without reading the text. A copy of it (a message to another process, a grid entry) is read as text.
 * Halves of ids are signed 32-bit integers here, which V8 keeps in the object itself: a greater number would be an object of its own.
 */
export class RecordedContext implements TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
  readonly #maker: object
  readonly #trace: number
  readonly #spanLow: number
  readonly #parentHigh: number
  readonly #parentLow: number
  #plan: string | undefined

  constructor(
    maker: object,
    traceId: string,
    spanId: string,
    traceFlags: number,
    trace: number,
    spanLow: number,
    parentHigh: number,
    parentLow: number,
    plan: string | undefined,
  ) {
    this.traceId = traceId
    this.spanId = spanId
    this.traceFlags = traceFlags
    this.#maker = maker
    this.#trace = trace
    this.#spanLow = spanLow | 0
    this.#parentHigh = parentHigh | 0
    this.#parentLow = parentLow | 0
    this.#plan = plan
  }

  /** A getter: who lists what a context has finds the three fields of W3C. */
  get planId(): string | undefined {
    return this.#plan
  }

  /** From here on the work belongs to that plan. */
  static setPlan(context: RecordedContext, plan: string): void {
    context.#plan = plan
  }

  /** The context, if it is one that `maker` made. */
  static of(context: TraceContext, maker: object): RecordedContext | undefined {
    return #maker in context && context.#maker === maker ? context : undefined
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
