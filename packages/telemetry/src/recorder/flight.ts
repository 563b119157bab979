import type { TraceContext } from '@stigmergy/grid'
import { createDrain, type DrainCounts } from './drain.ts'
import type { HandedRecord } from './handed.ts'
import { reasonCode } from './keep-rules.ts'
import type { KeepDecision } from './keeper.ts'
import type { ResolvedRecorderOptions } from './options.ts'
import type { RecorderParts } from './parts.ts'
import { Recorder } from './recorder.ts'
import { Staged, type StagedOptions } from './staged.ts'
import type { RecordedSpan } from './recorded-span.ts'
import { createSliceLedger, type SliceLedger, type SliceReceipt } from './slices.ts'

/** Where spans of kept traces go, and when. */
export interface FlightPorts extends Pick<RecorderParts, 'clock' | 'random' | 'full'>, Pick<StagedOptions, 'soon'> {
  /** Takes a span. Must not throw. @default nobody on this thread wants any: then none is made */
  readonly emit?: ((span: RecordedSpan) => void) | undefined
  /** Takes a span of an instrumentation. Must not throw. @default nobody does */
  readonly emitGuest?: (span: object) => void
  /** Takes records for another thread, which makes the spans of them. Must not throw. @default there is none */
  readonly handOver?: ((records: readonly HandedRecord[]) => void) | undefined
  /** So many spans of kept traces were overwritten before they could be told, are over the bound, or were not written. @default nobody wants to know */
  readonly lost?: ((spans: number) => void) | undefined
  /** What a span or link of a kept trace had to tell beside its record was let go. @default nobody wants to know */
  readonly bare?: (() => void) | undefined
  /** Asks for a call of `run` soon. */
  readonly wake: () => void
  /** Takes decisions for other processes. */
  readonly tell: (decisions: readonly KeepDecision[]) => void
  /** So many decisions found no room to be told. @default nobody wants to know */
  readonly untold?: ((decisions: number) => void) | undefined
  /** Takes what was exported, for other processes. @default nobody wants to know */
  readonly tellSlices?: ((receipts: readonly SliceReceipt[]) => void) | undefined
}

/** The recorder with its way out. */
export interface Flight {
  readonly recorder: Recorder
  readonly staged: Staged
  readonly counts: DrainCounts
  readonly slices: SliceLedger
  /** Stages that have a limit. */
  readonly sloMs: ReadonlyMap<string, number>
  /** Tells decisions, and makes spans of kept traces, of whole slices until at least `limit` spans. False when nothing is left. */
  run(limit: number): boolean
  /** A span that was told found no room further on. `trace`: id or number of its trace. */
  dropped(trace: string | number): void
  /** A stage of an agent, told by the tags of its states, took that long; it ended in the transition of `context`. */
  lasted(stage: string, ms: number, context: TraceContext | undefined): void
  /** Says to the others that this process is there. */
  greet(): void
}

const SLO = reasonCode('slo')

const nobody = (): void => {}

export function createFlight(options: ResolvedRecorderOptions, ports: FlightPorts): Flight {
  const { clock, random, wake, tell, tellSlices, full } = ports
  let receipts: SliceReceipt[] = []
  const told = (receipt: SliceReceipt): void => {
    receipts.push(receipt)
    slices.own(receipt)
  }
  let untold = 0
  const run = (limit: number, before?: number): boolean => {
    recorder.settle()
    if (recorder.keeper.untold > untold) ports.untold?.(recorder.keeper.untold - untold)
    untold = recorder.keeper.untold
    const decisions = recorder.keeper.takeDecisions()
    if (decisions.length > 0) tell(decisions)
    const more = drain.run(limit, before)
    slices.settle()
    if (receipts.length === 0) return more
    const taken = receipts
    receipts = []
    tellSlices?.(taken)
    return more
  }
  // A backlog is no reason to throw spans at a full queue: what is still safe waits in the ring.
  const pressure = (): void => void run(0, recorder.ring.safeFrom(clock.now()))
  const recorder = new Recorder(options, { clock, random, wake, pressure, full })
  const staged = new Staged(recorder, { soon: ports.soon, lost: ports.lost })
  recorder.settle = () => staged.settle()
  const drain = createDrain(recorder, options.maxSpansPerTrace, () => ({
    emit: ports.emit,
    emitGuest: ports.emitGuest ?? nobody,
    handOver: ports.handOver,
    lost: ports.lost,
    bare: ports.bare,
    receipt: tellSlices && told,
  }))
  const slices = createSliceLedger({
    timeoutMs: options.sliceTimeoutMs,
    now: () => clock.now(),
    lacks: (traceId) => drain.lacks(traceId),
  })
  const process = recorder.ids.spanText(0).slice(0, 8)
  const greet = (): void => tellSlices?.([{ traceId: '', process, spans: [], needs: [] }])
  return {
    recorder,
    staged,
    counts: drain.counts,
    slices,
    sloMs: options.sloMs,
    run,
    dropped: (trace) => drain.dropped(trace),
    lasted(stage, ms, context) {
      if (context !== undefined && ms > (options.sloMs.get(stage) ?? Infinity)) recorder.keep(context, SLO)
    },
    greet,
  }
}
