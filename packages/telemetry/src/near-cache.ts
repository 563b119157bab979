import type { Attributes } from '@opentelemetry/api'
import { isGridError, type Grid } from '@stigmergy/grid'
import type { Labels } from './labels.ts'
import type { Instruments } from './metrics/instruments.ts'

type MapStats = ReturnType<Grid['stats']>['maps']

/** What the near caches of all watched grids do. */
export interface NearCaches {
  /** A grid that is watched twice is told once. Returns the end of it. */
  watch(grid: Grid): () => void
}

/**
 * Maps that share labels, beyond the bound or of several grids, are told together. Counters are added to by what has been done since the
 * last look, so that they do not go back when a grid is closed. Bounded by the labels and the maps of the grids (I6).
 */
export function createNearCaches(instruments: Instruments, labels: Labels): NearCaches {
  const grids = new Map<Grid, number>()

  const count = (
    name: 'grid_near_cache_reads_total' | 'grid_near_cache_evictions_total',
    read: (map: MapStats[number]) => number,
  ): void => {
    const totals = new Map<Attributes, number>()
    const seen = new WeakMap<Grid, Map<string, number>>()
    instruments.observe(name, (tell) => {
      for (const grid of grids.keys()) {
        const before = seen.get(grid) ?? new Map<string, number>()
        seen.set(grid, before)
        for (const map of mapsOf(grid)) {
          const own = labels.with('map', map.name)
          const now = read(map)
          totals.set(own, (totals.get(own) ?? 0) + Math.max(0, now - (before.get(map.name) ?? 0)))
          before.set(map.name, now)
        }
      }
      for (const [own, total] of totals) tell(total, own)
    })
  }
  count('grid_near_cache_reads_total', ({ reads }) => reads)
  count('grid_near_cache_evictions_total', ({ evictions }) => evictions)
  instruments.observe('grid_near_cache_entries', (tell) => {
    const totals = new Map<Attributes, number>()
    for (const grid of grids.keys()) {
      for (const { name, entries } of mapsOf(grid)) {
        const own = labels.with('map', name)
        totals.set(own, (totals.get(own) ?? 0) + entries)
      }
    }
    for (const [own, total] of totals) tell(total, own)
  })

  return {
    watch(grid) {
      grids.set(grid, (grids.get(grid) ?? 0) + 1)
      let ended = false
      return () => {
        if (ended) return
        ended = true
        const others = (grids.get(grid) ?? 1) - 1
        if (others > 0) grids.set(grid, others)
        else grids.delete(grid)
      }
    },
  }
}

function mapsOf(grid: Grid): MapStats {
  try {
    return grid.stats().maps
  } catch (error) {
    // A grid that was closed before us has nothing to tell any more.
    if (isGridError(error, 'CLOSED')) return []
    throw error
  }
}
