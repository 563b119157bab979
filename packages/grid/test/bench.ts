import { createVirtualClock, embedded, openGrid, type Grid, type GridBackend, type VirtualClock } from '@stigmergy/grid'
import type { GridBench } from '@stigmergy/grid/testing'

export interface TestBench extends GridBench {
  readonly clock: VirtualClock
  close(): Promise<void>
}

/** A bench on one memory in this process, on a virtual clock. */
export function createBench(backend: GridBackend = embedded()): TestBench {
  const clock = createVirtualClock()
  const grids: Grid[] = []
  return {
    clock,
    async open(options = {}) {
      const grid = await openGrid(backend, { ...options, clock })
      grids.push(grid)
      return grid
    },
    pass: (ms) => clock.advance(ms),
    settle: () => clock.advance(0),
    async close() {
      await Promise.all(grids.map((grid) => grid.close()))
    },
  }
}
