import type { Grid, GridMap } from '@stigmergy/grid'
import type { SafetyState } from '../safety.ts'

/** Where a robot is, as its controller told it; key: the session. Metres. */
export type RobotPosition = { readonly xM: number; readonly yM: number; readonly zM: number; readonly status: number }

/** A disc that came through the gate of a cell; key: the session and a number. It leaves the map when the robot is done with it. */
export type Disc = { readonly session: string }

/**
 * What came through a cell's gate last; key: the session. A robot follows this one key: one that looked through all of `parts`
 * for its own would cost each disc as much as there are cells.
 */
export type Arrival = { readonly disc: string }

/** The last measurement of a cell's camera; key: the session. */
export type QualityReading = { readonly distanceMm: number; readonly ok: boolean }

/** What the safety of a cell says; key: the session. */
export type CellState = { readonly state: SafetyState }

/** The maps that all cells of a replay share. */
export interface ReplayMaps {
  readonly robots: GridMap<RobotPosition>
  readonly parts: GridMap<Disc>
  readonly gates: GridMap<Arrival>
  readonly quality: GridMap<QualityReading>
  readonly safety: GridMap<CellState>
}

export function openReplayMaps(grid: Grid): ReplayMaps {
  return {
    robots: grid.map<RobotPosition>('robots'),
    parts: grid.map<Disc>('parts'),
    gates: grid.map<Arrival>('gates'),
    quality: grid.map<QualityReading>('quality'),
    safety: grid.map<CellState>('safety'),
  }
}

/** Readings below this are ok. */
export const OK_BELOW_MM = 1.5
