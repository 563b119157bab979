import { inShare, KEEP_REASONS, reasonCode, type KeepReason } from './keep-rules.ts'
import { NEVER, TRACE_U32, type TraceTable } from './traces.ts'

/** A trace that is to be kept by every process that has a part of it. */
export interface KeepDecision {
  readonly traceId: string
  readonly reason: KeepReason
}

/** Decisions that wait to be told to others, at most. */
const MAX_UNTOLD = 4096

/** Decides once per trace, and lists the kept traces that have records nobody has exported yet. */
export class Keeper {
  /** Traces kept, by reason: the first one, or a later one that is not `base`. */
  readonly kept: Record<KeepReason, number> = Object.fromEntries(KEEP_REASONS.map((reason) => [reason, 0])) as Record<KeepReason, number>
  /** Decisions that found no room to be told to other processes. */
  untold = 0
  /** Numbers of kept traces with new records. */
  dirty: number[] = []
  readonly #table: TraceTable
  readonly #ratio: number
  readonly #wake: () => void
  #decisions: KeepDecision[] = []

  constructor(table: TraceTable, ratio: number, wake: () => void) {
    this.#table = table
    this.#ratio = ratio
    this.#wake = wake
  }

  /** True for traces of the base share. `word`: the last one of the id. */
  isBase(word: number): boolean {
    return inShare(word, this.#ratio)
  }

  /** A new trace. The base share is the same in every process, as it is a matter of the id alone. */
  born(trace: number, sampled: boolean): void {
    const row = this.#table.row(trace)
    if (!sampled) this.#table.u32[row * 16 + TRACE_U32.keep] = NEVER
    else if (this.isBase(this.#table.u32[row * 16 + 3] as number)) {
      this.#table.u32[row * 16 + TRACE_U32.keep] = reasonCode('base')
      this.kept.base += 1
    }
  }

  /** Keeps a trace; true if that is new, or a better reason. `traceId` is asked for only when the decision is a new one that others must hear of. */
  keep(trace: number, reason: number, traceId: () => string): boolean {
    const { u32 } = this.#table
    const row = this.#table.row(trace)
    const at = row * 16 + TRACE_U32.keep
    const now = u32[at] as number
    // A better reason than the base share: others may have a smaller share.
    if (now !== 0 && (now !== reasonCode('base') || reason === now)) return false
    u32[at] = reason
    const name = KEEP_REASONS[reason - 1] as KeepReason
    this.kept[name] += 1
    this.touch(trace, row)
    if (name === 'remote') return true
    if (this.#decisions.length < MAX_UNTOLD) this.#decisions.push({ traceId: traceId(), reason: name })
    else this.untold += 1
    this.#wake()
    return true
  }

  /** A record was added to a trace. */
  touch(trace: number, row: number): void {
    const { u32 } = this.#table
    const kept = u32[row * 16 + TRACE_U32.keep] as number
    const dirty = row * 16 + TRACE_U32.dirty
    if (kept === 0 || kept === NEVER || u32[dirty] === 1) return
    u32[dirty] = 1
    this.dirty.push(trace)
    this.#wake()
  }

  /** Decisions since the last call, for other processes. */
  takeDecisions(): readonly KeepDecision[] {
    const taken = this.#decisions
    this.#decisions = []
    return taken
  }
}
