import type { Clock } from '../time/clock.ts'
import type { Codec } from './codec.ts'
import type { GridDriver } from '../driver.ts'
import type { Guests } from '../guests.ts'
import type { HybridClock } from '../time/hybrid-clock.ts'
import type { TraceSlot } from './trace.ts'

/** What a map shares with the other maps of its grid. */
export interface MapContext {
  readonly id: string
  /** This opening of the grid. */
  readonly session: string
  readonly clock: Clock
  readonly hybrid: HybridClock
  readonly codec: Codec
  readonly guests: Guests
  readonly trace: TraceSlot
  readonly driver: GridDriver
}
