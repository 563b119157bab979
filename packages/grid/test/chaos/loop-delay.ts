import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How much later than it was due a timer ran. */
export interface LoopDelay {
  readonly p99Ms: number
  readonly maxMs: number
}

const EVERY_MS = 5

/** Begins to watch this process's event loop; gives what was seen when it is called. */
export function watchLoop(): () => LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: EVERY_MS })
  histogram.enable()
  const late = (ns: number): number => Math.max(0, ns / 1e6 - EVERY_MS)
  return () => {
    histogram.disable()
    return { p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) }
  }
}
