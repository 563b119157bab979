import type { Change } from './map/entry.ts'

/** What telemetry may see of the grid. Called synchronously on the hot path: keep them short. They can change nothing (I7). */
export interface GridHooks {
  /** A change reached this process's near cache (also this process's own writes). */
  onChange?(map: string, change: Change<unknown>): void
  /** A watch listener threw. */
  onListenerError?(map: string, error: unknown): void
}
