import { isGridError, type Grid, type Topic } from '@stigmergy/grid'
import { TelemetryError } from './errors.ts'
import { fields, functionOf } from './fields.ts'
import { integer, quote, text } from './options.ts'
import type { KeepDecision } from './recorder/keeper.ts'
import type { SliceReceipt } from './recorder/slices.ts'

/** How processes tell each other which traces to keep. A process that hears of one exports its part of that trace. */
export interface KeepPort {
  /** Tells the others. A promise is of how many could not be told; what throws or rejects could tell none. They are counted. */
  tell(decisions: readonly KeepDecision[]): void | Promise<number>
  /** `hear` is called with decisions, of this process too. Returns the end of it. */
  listen(hear: (decision: KeepDecision) => void): () => void
  /** Tells the others what was exported here. Without it a lost part of another process is not noticed. As `tell`. */
  tellSlices?(receipts: readonly SliceReceipt[]): void | Promise<number>
  listenSlices?(hear: (receipt: SliceReceipt) => void): () => void
}

export interface GridKeepPortOptions {
  /** Map of the grid that carries the decisions. @default `telemetry.keep` */
  readonly map?: string
  /** Topic of the grid that carries what was exported. @default `telemetry.slices` */
  readonly topic?: string
  /** How long a decision stays in the map: a process that joins meanwhile hears of it. Milliseconds. @default 30_000 */
  readonly ttlMs?: number
  /**
   * Decisions told a second, by this process, and ten times as many at once: each is an entry in every process, so a storm of errors would
   * be one of the whole cluster. What is over is counted as not told. @default 500
   */
  readonly maxPerSecond?: number
  /** A decision could not be written. @default ignored */
  readonly onError?: (error: unknown) => void
}

/** Receipts of one message, some 300 bytes each. */
const PORTION = 256

/** Seconds of decisions that may be told at once. */
const BURST_S = 10

/**
 * Decisions through a map of the grid: the key is the trace id. What was exported through a topic, where the backend has topics.
 * Throws `TelemetryError` BAD_OPTION.
 */
export function gridKeepPort(grid: Grid, options: GridKeepPortOptions = {}): KeepPort {
  const { map, topic, ttlMs, maxPerSecond, onError } = resolve(grid, options)
  const decisions = grid.map<KeepDecision>(map, { ttlMs })
  /** How many of these were not taken. */
  const failures = async (all: readonly Promise<unknown>[]): Promise<number> => {
    const rejected = (await Promise.allSettled(all)).filter((each) => each.status === 'rejected')
    for (const { reason } of rejected) onError(reason)
    return rejected.length
  }
  const put = async ({ traceId, reason }: KeepDecision): Promise<unknown> => decisions.put(traceId, { traceId, reason })
  let room = maxPerSecond * BURST_S
  let roomAtMs = grid.clock.now()
  /** How many may be told now. */
  const admitted = (wanted: number): number => {
    const now = grid.clock.now()
    room = Math.min(maxPerSecond * BURST_S, room + (Math.max(0, now - roomAtMs) / 1000) * maxPerSecond)
    roomAtMs = now
    const taken = Math.min(wanted, Math.floor(room))
    room -= taken
    return taken
  }
  const slices = topicOf(grid, topic)
  return {
    async tell(told) {
      const taken = admitted(told.length)
      return told.length - taken + (await failures(told.slice(0, taken).map(put)))
    },
    listen(hear) {
      // What the grid gives was written by anybody: another release, another program.
      const told = (value: unknown): void => {
        if (isDecision(value)) hear(value)
      }
      const watch = decisions.watch((change) => {
        if (change.type === 'put') told(change.entry.value)
        // A gap (I5): what is in the map now is all there is to know.
        else if (change.type === 'resync') for (const entry of change.entries.values()) told(entry.value)
      })
      for (const entry of decisions.entries()) told(entry.value)
      return () => watch.close()
    },
    ...(slices && {
      async tellSlices(receipts) {
        // In portions: a message has a bound.
        let untold = 0
        const publish = async (portion: readonly SliceReceipt[]): Promise<void> => {
          if ((await failures([slices.publish(portion)])) > 0) untold += portion.length
        }
        const portions = Array.from({ length: Math.ceil(receipts.length / PORTION) }, (_, at) => at * PORTION)
        await Promise.all(portions.map(async (at) => publish(receipts.slice(at, at + PORTION))))
        return untold
      },
      listenSlices(hear) {
        const subscription = slices.subscribe(({ value }: { readonly value: unknown }) => {
          if (Array.isArray(value)) for (const receipt of value) if (isReceipt(receipt)) hear(receipt)
        })
        return () => subscription.close()
      },
    }),
  }
}

function resolve(grid: Grid, given: GridKeepPortOptions): Required<GridKeepPortOptions> {
  const known = { map: true, topic: true, ttlMs: true, maxPerSecond: true, onError: true } as const
  const { map, topic, ttlMs, maxPerSecond, onError } = fields<GridKeepPortOptions>('gridKeepPort', given, known)
  const isGrid = typeof (grid as Partial<Grid> | undefined)?.map === 'function' && typeof grid.topic === 'function'
  if (!isGrid) throw new TelemetryError('BAD_OPTION', `grid is ${quote(grid)}: give what openGrid() resolves to`)
  return {
    map: text('map', map) ?? 'telemetry.keep',
    topic: text('topic', topic) ?? 'telemetry.slices',
    ttlMs: integer('ttlMs', ttlMs, 30_000, 1, 3_600_000),
    maxPerSecond: integer('maxPerSecond', maxPerSecond, 500, 1, 1_000_000),
    onError: functionOf('onError', onError) ?? ((): void => {}),
  }
}

type Told<T> = Readonly<Partial<Record<keyof T, unknown>>> | null

function isDecision(value: unknown): value is KeepDecision {
  const { traceId, reason } = (value as Told<KeepDecision>) ?? {}
  return isTraceId(traceId) && typeof reason === 'string'
}

function isReceipt(value: unknown): value is SliceReceipt {
  const { traceId, process, spans, needs } = (value as Told<SliceReceipt>) ?? {}
  const ids = (list: unknown): boolean => Array.isArray(list) && list.every((id) => typeof id === 'string')
  // Without a trace it is a greeting: that process is there.
  return (traceId === '' || isTraceId(traceId)) && typeof process === 'string' && ids(spans) && ids(needs)
}

function isTraceId(id: unknown): boolean {
  return typeof id === 'string' && /^[\da-f]{32}$/.test(id)
}

function topicOf(grid: Grid, name: string): Topic<readonly SliceReceipt[]> | undefined {
  try {
    return grid.topic(name)
  } catch (error) {
    if (isGridError(error, 'UNSUPPORTED')) return undefined
    throw error
  }
}
