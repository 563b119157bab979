import { type Belt, createBelt } from '../belt.ts'
import type { Clock } from '@stigmergy/grid'

/** Where things stand along the belt, in encoder counts from the camera. */
export interface CellLayout {
  readonly belt: Belt
  readonly robotIds: readonly string[]
  /** Distance of each robot's claim window from the camera. */
  readonly stations: readonly number[]
  /** Milliseconds a part needs from the camera to each station. */
  readonly stationDelaysMs: readonly number[]
  /** How long past the window's begin a part may still be claimed: 50 ms, as vendors' load balancers do. */
  readonly reach: number
}

const COUNTS_PER_METRE = 10_000
const FIRST_STATION_M = 0.5
const STATION_SPACING_M = 0.4
const CLAIM_WINDOW_MS = 50

export function createLayout(clock: Clock, robots: number, beltSpeedMps: number): CellLayout {
  const metres = Array.from({ length: robots }, (_, i) => FIRST_STATION_M + i * STATION_SPACING_M)
  return {
    belt: createBelt({ clock, speedMps: beltSpeedMps, countsPerMetre: COUNTS_PER_METRE }),
    robotIds: metres.map((_, i) => `r${i + 1}`),
    stations: metres.map((m) => m * COUNTS_PER_METRE),
    stationDelaysMs: metres.map((m) => (m / beltSpeedMps) * 1000),
    reach: (CLAIM_WINDOW_MS / 1000) * beltSpeedMps * COUNTS_PER_METRE,
  }
}
