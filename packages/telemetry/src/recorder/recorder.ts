import type { AgentInfo, Failure } from '@stigmergy/core'
import type { Clock, TraceContext } from '@stigmergy/grid'
import { createAgentRows, type AgentRow } from './agents.ts'
import { Causes } from './causes.ts'
import { RecordedContext } from './context.ts'
import { Contexts } from './contexts.ts'
import { Ids } from './ids.ts'
import { judge } from './judge.ts'
import { leads, reasonCode, type KeepReason } from './keep-rules.ts'
import { Keeper } from './keeper.ts'
import { EXTRA, F64, FAILED, KIND, SYMPTOM, U32 } from './layout.ts'
import { RecordWriter } from './writer.ts'
import type { ResolvedRecorderOptions } from './options.ts'
import { ENDED } from './ended.ts'
import { GuestBound, type GuestSpan } from './guests.ts'
import type { Extra, RecorderParts } from './parts.ts'
import { Ring } from './ring.ts'
import { StringTable } from './strings.ts'
import { stageOfTags } from '../stages.ts'
import { TraceTable } from './traces.ts'

const ERROR = reasonCode('error')
const CAUSE = reasonCode('cause')
/** The newest so many traces can be kept after the fact; more where the ring holds records of more. */
const TRACES_LOG2 = 15
/** Texts of the records in the ring, at most: memory that was never written costs nothing. */
const MAX_STRINGS = 2 ** 17

/**
 * The flight recorder: every transition of the process as a record of numbers, in a ring. A record knows how far back the one before it
 * in its trace is, so a trace that turns out to matter is found without a search (the breadcrumbs of Hindsight, NSDI 2023).
 * Spans are made later, and only of the traces that are kept.
 */
export class Recorder {
  readonly ring: Ring
  readonly strings: StringTable
  readonly traces: TraceTable
  readonly keeper: Keeper
  readonly ids: Ids
  /** What is known of an agent: keep it, and give it to {@link Recorder.end}. */
  readonly rowOf: (agent: AgentInfo, system?: string) => AgentRow
  /** Is called before anything is added or asked that is not a transition: what waits to be written comes first. */
  settle: () => void = () => {}
  readonly #options: ResolvedRecorderOptions
  readonly #clock: Clock
  readonly #contexts: Contexts
  readonly #guests: GuestBound
  readonly #causes = new Causes()
  readonly #writer: RecordWriter

  constructor(options: ResolvedRecorderOptions, { clock, random, wake, pressure, full }: RecorderParts) {
    this.#options = options
    this.#clock = clock
    this.ring = new Ring({ historyMs: options.historyMs, minLog2: Math.min(13, options.maxRecordsLog2), maxLog2: options.maxRecordsLog2 })
    this.strings = new StringTable({ maxStrings: MAX_STRINGS, maxBytes: MAX_STRINGS * 64, full })
    this.ids = new Ids(random)
    this.traces = new TraceTable(this.ids, TRACES_LOG2, Math.max(TRACES_LOG2, options.maxRecordsLog2), (seq) => this.ring.find(seq) >= 0)
    this.keeper = new Keeper(this.traces, options.ratio, wake)
    this.#contexts = new Contexts(this.traces, this.ids, this.keeper, options)
    this.#guests = new GuestBound(this.ring)
    this.#writer = new RecordWriter(this, this.#contexts, pressure)
    this.rowOf = createAgentRows(this.strings, options)
  }

  /** A transition begins. */
  start(trace: TraceContext | undefined): TraceContext {
    return this.#contexts.make(trace)
  }

  /**
   * A transition ends. Called for every one of the process: it makes no objects. `numbers` from `place` on: see {@link ENDED}; a number that
   * is handed from function to function would be an object. `context`: what `start` returned.
   */
  end(
    row: AgentRow,
    event: string,
    numbers: Float64Array,
    place: number,
    from: string,
    to: string,
    tagsBefore: ReadonlySet<string>,
    tagsAfter: ReadonlySet<string>,
    error: unknown,
    context: TraceContext | undefined,
  ): void {
    const own = context && RecordedContext.of(context, this.ids)
    if (own === undefined) return
    const { strings } = this
    if (row.epoch !== strings.epoch) row.renew()
    if (event !== row.event) {
      row.event = event
      row.eventId = strings.intern(event)
    }
    const fromId = from === row.to ? row.toId : from === row.from ? row.fromId : strings.internState(from)
    const toId = to === from ? fromId : to === row.from ? row.fromId : to === row.to ? row.toId : strings.internState(to)
    row.from = from
    row.fromId = fromId
    row.to = to
    row.toId = toId
    const enqueuedAtMs = numbers[place + ENDED.enqueuedAtMs] as number
    const endedAtMs = numbers[place + ENDED.endedAtMs] as number
    const failed = error !== undefined
    const tagged = tagsAfter.size + tagsBefore.size > 0
    const stage = row.stage === 0 && tagged ? strings.intern(stageOfTags(tagsBefore, tagsAfter) ?? '') : row.stage
    const reason = judge(this.#options, row, endedAtMs - enqueuedAtMs, endedAtMs, failed, tagsBefore, tagsAfter)
    const at = this.ring.claim(endedAtMs)
    const { u32, f64 } = this.ring
    const half = at / 2
    f64[half + F64.enqueuedAtMs] = enqueuedAtMs
    f64[half + F64.startedAtMs] = numbers[place + ENDED.startedAtMs] as number
    f64[half + F64.endedAtMs] = endedAtMs
    u32[at + U32.kind] = failed ? KIND.transition | FAILED | EXTRA : reason === 0 ? KIND.transition : KIND.transition | SYMPTOM
    u32[at + U32.agentId] = row.id
    u32[at + U32.agentType] = row.type
    u32[at + U32.event] = row.eventId
    u32[at + U32.from] = fromId
    u32[at + U32.to] = toId
    u32[at + U32.stage] = stage
    u32[at + U32.restarts] = numbers[place + ENDED.restarts] as number
    u32[at + U32.system] = row.system
    this.#writer.write(at, own, failed ? { error } : undefined)
    if (reason !== 0) this.keep(own, reason)
  }

  /** The root of a trace: a reading that entered. */
  root(name: string, attributes: object, startedAtMs: number, endedAtMs: number, planId?: string): TraceContext {
    const context = this.#contexts.make(undefined)
    if (planId !== undefined) RecordedContext.setPlan(context, planId)
    this.#point(KIND.root, context, undefined, name, 0, { attributes }, startedAtMs, endedAtMs)
    return context
  }

  /** A failure or a restart of an agent, in the trace of its cause. */
  failure(row: AgentRow, { event, error, trace, decision }: Failure): void {
    const context = this.#contexts.make(trace)
    this.#point(KIND.failure | FAILED, context, row, event, 0, { error, decision })
    if (this.#options.errors) this.keep(context, ERROR)
  }

  /** A violation is entered, in the transition of `trace`. It says what the transition cannot: which one, where it does not stay in it. */
  violation(row: AgentRow, state: string, trace: TraceContext | undefined): void {
    const context = this.#contexts.make(trace)
    this.#point(KIND.violation | SYMPTOM, context, row, state, 0, undefined)
    if (this.#options.violations) this.keep(context, reasonCode('violation'))
  }

  /** `from`: where its state came from. */
  restart(row: AgentRow, restarts: number, from: string, trace: TraceContext | undefined): void {
    this.#point(KIND.restart, this.#contexts.make(trace), row, from, restarts, undefined)
  }

  /** The work under `context`, and all that follows from it, belongs to that plan. */
  plan(context: TraceContext, planId: string): void {
    const own = RecordedContext.of(context, this.ids)
    if (own === undefined) return
    // What ended before belongs to what it belonged to.
    this.settle()
    RecordedContext.setPlan(own, planId)
  }

  /** The transition of `context` had `cause` as a cause too: several percepts that make one plan. Unknown contexts are ignored. */
  link(context: TraceContext, cause: TraceContext): void {
    const own = RecordedContext.of(context, this.ids) ?? this.#contexts.copyOf(context)
    if (own === undefined) return
    const { traceId, spanId, traceFlags } = cause
    this.#point(KIND.link, own, undefined, '', 0, { link: { traceId, spanId, traceFlags } })
    const trace = this.#contexts.traceOf(own)
    if (leads(this.traces.keptFor(trace))) this.keep(cause, CAUSE)
    else this.#causes.add(trace, cause)
  }

  /** A change that reached the near cache: for who reads the ring, no span. */
  change(map: string, type: string): void {
    this.settle()
    const now = this.#clock.now()
    const at = this.ring.claim(now)
    const { u32, f64 } = this.ring
    u32.fill(0, at + U32.trace, at + U32.system + 1)
    u32[at + U32.kind] = KIND.change
    u32[at + U32.agentType] = this.strings.intern(map)
    u32[at + U32.event] = this.strings.intern(type)
    f64[at / 2 + F64.enqueuedAtMs] = f64[at / 2 + F64.startedAtMs] = f64[at / 2 + F64.endedAtMs] = now
    f64[at / 2 + F64.seq] = this.ring.head + 1
    this.ring.commit()
  }

  /** A span that an instrumentation made under a context of ours, with our ids. It waits like all others until its trace is kept. */
  guest({ traceId, spanId, parentId, name, tookMs, failed, span }: GuestSpan): void {
    this.settle()
    const context = this.#contexts.adopt(traceId, spanId, parentId)
    if (context === undefined) return
    const now = this.#clock.now()
    this.#guests.hold(this.ring.head)
    this.#point(failed ? KIND.guest | FAILED : KIND.guest, context, undefined, name, 0, { guest: span }, now - tookMs, now)
    if (failed && this.#options.errors) this.keep(context, ERROR)
  }

  /** False for a trace that may never be kept. `traceFlags`: as they came with it, should it be new here. */
  samples(traceId: string, traceFlags: number): boolean {
    const trace = this.#contexts.open(traceId, traceFlags)
    return trace >= 0 && this.#contexts.samples(trace)
  }

  /** Keeps the trace of a context. Contexts of traces that were not sampled, and ids that are none, stay as they are. */
  keep(context: TraceContext, reason: number): void {
    this.settle()
    const own = RecordedContext.of(context, this.ids)
    const trace = own === undefined ? this.#contexts.open(context.traceId, context.traceFlags) : this.#contexts.traceOf(own)
    this.#keepTrace(trace, reason, context.traceId)
  }

  /** True if the trace of a context made here is kept so far. */
  isKept(context: TraceContext): boolean {
    this.settle()
    const own = RecordedContext.of(context, this.ids)
    return own !== undefined && this.traces.isKept(RecordedContext.trace(own))
  }

  /** Keeps a trace that another process decided to keep, also one whose first record here is still to come. `why`: its reason. */
  keepRemote(traceId: string, why: KeepReason): void {
    this.settle()
    const trace = this.#contexts.open(traceId, 1)
    if (trace >= 0 && this.keeper.keep(trace, reasonCode('remote'), () => traceId)) this.#keepCauses(trace, reasonCode(why))
  }

  #keepTrace(trace: number, reason: number, traceId: string): void {
    if (trace >= 0 && this.keeper.keep(trace, reason, () => traceId)) this.#keepCauses(trace, reason)
  }

  /** Links of a kept trace lead to something: what they lead to is kept too. */
  #keepCauses(trace: number, reason: number): void {
    if (leads(reason)) for (const cause of this.#causes.take(trace)) this.keep(cause, CAUSE)
  }

  #point(
    kind: number,
    context: RecordedContext,
    row: AgentRow | undefined,
    event: string,
    restarts: number,
    extra: Extra | undefined,
    startedAtMs = this.#clock.now(),
    endedAtMs = startedAtMs,
  ): void {
    this.settle()
    this.#writer.point(kind, context, row, event, restarts, extra, startedAtMs, endedAtMs)
  }
}
