import type { Grid } from '@stigmergy/grid'
import type { KeepDecision } from './recorder/keeper.ts'

/** How processes tell each other which traces to keep. A process that hears of one exports its part of that trace. */
export interface KeepPort {
  /** Tells the others. Must not throw; what is lost on the way is the port's to count. */
  tell(decisions: readonly KeepDecision[]): void
  /** `hear` is called with decisions, of this process too. Returns the end of it. */
  listen(hear: (decision: KeepDecision) => void): () => void
}

export interface GridKeepPortOptions {
  /** Map of the grid that carries the decisions. @default `telemetry.keep` */
  readonly map?: string
  /** How long a decision stays in the map: a process that joins meanwhile hears of it. Milliseconds. @default 30_000 */
  readonly ttlMs?: number
  /** A decision could not be written. @default ignored */
  readonly onError?: (error: unknown) => void
}

/** Decisions through a map of the grid: the key is the trace id. */
export function gridKeepPort(
  grid: Grid,
  { map = 'telemetry.keep', ttlMs = 30_000, onError = () => {} }: GridKeepPortOptions = {},
): KeepPort {
  const decisions = grid.map<KeepDecision>(map, { ttlMs })
  const put = async (decision: KeepDecision): Promise<void> => {
    try {
      await decisions.put(decision.traceId, { traceId: decision.traceId, reason: decision.reason })
    } catch (error) {
      onError(error)
    }
  }
  return {
    tell(told) {
      for (const decision of told) void put(decision)
    },
    listen(hear) {
      const watch = decisions.watch((change) => {
        if (change.type === 'put') hear(change.entry.value)
        // A gap (I5): what is in the map now is all there is to know.
        else if (change.type === 'resync') for (const entry of change.entries.values()) hear(entry.value)
      })
      for (const entry of decisions.entries()) hear(entry.value)
      return () => watch.close()
    },
  }
}
