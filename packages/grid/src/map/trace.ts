/**
 * Who caused this? Carried in every grid entry and every message, opaque to grid and core (only telemetry makes and reads it).
 * Hand it on as it is, or copy it with {@link copyTrace}: its fields may be getters, which `{ ...trace }` and `structuredClone` leave out.
 * Field names and meaning: W3C Trace Context, https://www.w3.org/TR/trace-context/
 */
export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  /** Bit 0: sampled. */
  readonly traceFlags: number
  /** What the people who own the work call it: the plan it belongs to. Not part of W3C Trace Context. */
  readonly planId?: string | undefined
}

/**
 * The context of the work that is running right now, synchronously, in this grid's process.
 * The actor runtime sets it around each transition, so that a write made by an action joins the agent's trace
 * without AsyncLocalStorage (which slows every `await` of the process).
 */
export interface TraceSlot {
  current: TraceContext | undefined
}

/** A frozen copy of its own, with plain fields. */
export function copyTrace({ traceId, spanId, traceFlags, planId }: TraceContext): TraceContext {
  return Object.freeze(planId === undefined ? { traceId, spanId, traceFlags } : { traceId, spanId, traceFlags, planId })
}
