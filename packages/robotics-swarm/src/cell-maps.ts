import type { Grid, GridMap } from '@stigmergy/grid'
import type { MapEvent } from '@stigmergy/core'

/** A part on the belt. It leaves the map when it was placed (then its last entry has an owner) or missed (then it has none). */
export type Part = {
  /** Encoder counts when it passed the camera: its place on the belt, whatever the belt does since. */
  readonly encoder: number
  /** Robot that claimed it. */
  readonly owner?: string
}

/** What a robot tells the others about itself. */
export type RobotStatus = {
  /** `down`: it failed for good. */
  readonly state: 'idle' | 'busy' | 'down'
  readonly part?: string
}

export type PartEvent = MapEvent<'parts', Part>

/** The maps that the members of a cell share. */
export interface CellMaps {
  readonly parts: GridMap<Part>
  readonly robots: GridMap<RobotStatus>
}

export function openCellMaps(grid: Grid): CellMaps {
  return { parts: grid.map<Part>('parts'), robots: grid.map<RobotStatus>('robots') }
}
