import type { Clock } from '../../time/clock.ts'
import type { GridDriver } from '../../driver.ts'
import type { ResolvedEmbeddedOptions } from '../../embedded/embedded-options.ts'
import { openEnvironment, type Environment } from '../environment.ts'
import { createGroupCommit, type GroupCommit } from '../group-commit.ts'
import { resolveDurableOptions } from '../options.ts'
import { SharedGrid, type SharedGridOptions } from './shared-grid.ts'

/** One directory as a backend: its maps are opened with the first grid of this process, closed with the last. */
export interface DurableGrid {
  open(clock: Clock): Promise<GridDriver>
  /** Closes them for all grids that still are open. */
  close(): Promise<void>
}

/** An open environment, and what groups its writes. */
export interface OpenPlace {
  readonly environment: Environment
  readonly group: GroupCommit
  /** Nobody needs it here any more. */
  leave(): Promise<void>
}

/** A directory of its own. */
export function createDurableGrid(options: ResolvedEmbeddedOptions & Pick<SharedGridOptions, 'machineMs'>): DurableGrid {
  return createGridIn(async (clock) => {
    const { path, level, timeoutMs, maxPending, checkPages } = options
    const environment = await openEnvironment(resolveDurableOptions({ path, level, timeoutMs, maxPending, checkPages, clock }))
    return { environment, group: createGroupCommit(environment), leave: () => environment.close() }
  }, options)
}

/** In an environment that somebody else may have open for more than the maps. */
export function createGridIn(place: (clock: Clock) => Promise<OpenPlace>, options: SharedGridOptions): DurableGrid {
  let shared: Promise<{ readonly opened: OpenPlace; readonly grid: SharedGrid }> | undefined
  let closing: Promise<void> = Promise.resolve()
  let open = 0

  async function start(clock: Clock): Promise<{ readonly opened: OpenPlace; readonly grid: SharedGrid }> {
    await closing
    const opened = await place(clock)
    try {
      return { opened, grid: await new SharedGrid(opened.environment, opened.group, options).open() }
    } catch (error) {
      await opened.leave()
      throw error
    }
  }

  async function leave(): Promise<void> {
    open -= 1
    if (open === 0) await close()
  }

  async function close(): Promise<void> {
    const last = shared
    shared = undefined
    if (last !== undefined) {
      closing = (async () => {
        const { opened, grid } = await last
        await grid.close()
        await opened.leave()
      })()
    }
    await closing
  }

  return {
    async open(clock) {
      open += 1
      shared ??= start(clock)
      try {
        const { grid } = await shared
        return grid.driver(leave)
      } catch (error) {
        open -= 1
        shared = undefined
        throw error
      }
    },
    close,
  }
}
