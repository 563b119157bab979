import type { Attributes } from '@opentelemetry/api'
import { isGridError, type Grid } from '@stigmergy/grid'
import type { Labels } from './labels.ts'
import type { Instruments } from './metrics/instruments.ts'
import { onRejected } from './promised.ts'
import type { Tally } from './tally.ts'

/** An age right now: of a map's copy, or of a source. `Infinity`: nothing was ever accepted. */
export interface AgeReading {
  readonly map?: string
  readonly source?: string
  readonly ageMs: number
}

/** Ages are asked for when somebody reads the metrics, never pushed: the safety of a cell does not depend on this (I4, I7). */
export interface Ages {
  /** Adds a function that tells ages. Returns its removal. */
  readonly observe: (readings: () => Iterable<AgeReading>) => () => void
  /** Tells the replica age of every map of the grid that has a copy. Returns its removal. */
  readonly watchGrid: (grid: Grid) => () => void
}

export function createAges(instruments: Instruments, labels: Labels, tally: Tally): Ages {
  const observed = new Set<() => Iterable<AgeReading>>()

  instruments.observe('map_stale_age_seconds', (tell) => {
    for (const [attributes, ageMs] of collectAges(observed, labels, tally)) tell(ageMs / 1000, attributes)
  })

  const observe = (readings: () => Iterable<AgeReading>): (() => void) => {
    // A function of its own for each call: the same readings may be given twice and removed once.
    const own = (): Iterable<AgeReading> => readings()
    observed.add(own)
    return () => void observed.delete(own)
  }
  return { observe, watchGrid: (grid) => observe(() => mapAges(grid)) }
}

function mapAges(grid: Grid): readonly AgeReading[] {
  try {
    return grid.mapNames.flatMap((map) => mapAge(grid, map))
  } catch (error) {
    // A grid that was closed before us has no ages any more; nothing of it is lost.
    if (isGridError(error, 'CLOSED')) return []
    throw error
  }
}

/** Of a map that holds nothing here (`interest: 'none'`) there is no copy whose age could be told. */
function mapAge(grid: Grid, map: string): readonly AgeReading[] {
  try {
    return [{ map, ageMs: grid.map(map).ageMs() }]
  } catch (error) {
    if (isGridError(error, 'UNSUPPORTED')) return []
    throw error
  }
}

/** One age per set of labels: the oldest where several meet, as the sources beyond the bound do in `other` (I6). */
function collectAges(observed: ReadonlySet<() => Iterable<AgeReading>>, labels: Labels, tally: Tally): ReadonlyMap<Attributes, number> {
  const oldest = new Map<Attributes, number>()
  for (const readings of observed) {
    try {
      const read = readings()
      if (onRejected(read, () => {})) throw new TypeError('ages are told at once, not by a promise')
      for (const { map, source, ageMs } of read) {
        const attributes = labels.ofAge(map, source)
        if (typeof ageMs === 'number' && ageMs >= 0) oldest.set(attributes, Math.max(ageMs, oldest.get(attributes) ?? 0))
        else tally.dropped.reading++
      }
    } catch {
      // One function that throws must not hide the ages of the others.
      tally.dropped.reading++
    }
  }
  return oldest
}
