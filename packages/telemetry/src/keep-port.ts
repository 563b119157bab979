import { isGridError, type Grid, type Topic } from '@stigmergy/grid'
import type { KeepDecision } from './recorder/keeper.ts'
import type { SliceReceipt } from './recorder/slices.ts'

/** How processes tell each other which traces to keep. A process that hears of one exports its part of that trace. */
export interface KeepPort {
  /** Tells the others. Must not throw; what is lost on the way is the port's to count. */
  tell(decisions: readonly KeepDecision[]): void
  /** `hear` is called with decisions, of this process too. Returns the end of it. */
  listen(hear: (decision: KeepDecision) => void): () => void
  /** Tells the others what was exported here. Without it a lost part of another process is not noticed. Must not throw. */
  tellSlices?(receipts: readonly SliceReceipt[]): void
  listenSlices?(hear: (receipt: SliceReceipt) => void): () => void
}

export interface GridKeepPortOptions {
  /** Map of the grid that carries the decisions. @default `telemetry.keep` */
  readonly map?: string
  /** Topic of the grid that carries what was exported. @default `telemetry.slices` */
  readonly topic?: string
  /** How long a decision stays in the map: a process that joins meanwhile hears of it. Milliseconds. @default 30_000 */
  readonly ttlMs?: number
  /** A decision could not be written. @default ignored */
  readonly onError?: (error: unknown) => void
}

/** Receipts of one message, some 300 bytes each. */
const PORTION = 256

/** Decisions through a map of the grid: the key is the trace id. What was exported through a topic, where the backend has topics. */
export function gridKeepPort(
  grid: Grid,
  { map = 'telemetry.keep', topic = 'telemetry.slices', ttlMs = 30_000, onError = () => {} }: GridKeepPortOptions = {},
): KeepPort {
  const decisions = grid.map<KeepDecision>(map, { ttlMs })
  const put = async (decision: KeepDecision): Promise<void> => {
    try {
      await decisions.put(decision.traceId, { traceId: decision.traceId, reason: decision.reason })
    } catch (error) {
      onError(error)
    }
  }
  const slices = topicOf(grid, topic)
  return {
    tell(told) {
      for (const decision of told) void put(decision)
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
      tellSlices(receipts) {
        // In portions: a message has a bound.
        for (let at = 0; at < receipts.length; at += PORTION) slices.publish(receipts.slice(at, at + PORTION)).catch(onError)
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
