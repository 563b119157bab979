import type { Clock } from '../../clock.ts'
import type { GridDriver } from '../../driver.ts'
import { openEnvironment, type Environment } from '../environment.ts'
import { createGroupCommit } from '../group-commit.ts'
import { resolveDurableOptions } from '../options.ts'
import type { ResolvedEmbeddedOptions } from '../../embedded-options.ts'
import { SharedGrid, type SharedGridOptions } from './shared-grid.ts'

/** One directory as a backend: opened with the first grid of this process, closed with the last. */
export interface DurableGrid {
  open(clock: Clock): Promise<GridDriver>
}

export function createDurableGrid(options: ResolvedEmbeddedOptions & Pick<SharedGridOptions, 'machineMs'>): DurableGrid {
  let shared: Promise<{ readonly environment: Environment; readonly grid: SharedGrid }> | undefined
  let closing: Promise<void> = Promise.resolve()
  let open = 0

  async function start(clock: Clock): Promise<{ readonly environment: Environment; readonly grid: SharedGrid }> {
    await closing
    const { path, level, timeoutMs } = options
    const environment = await openEnvironment(resolveDurableOptions({ path, level, timeoutMs, clock }))
    try {
      return { environment, grid: await new SharedGrid(environment, createGroupCommit(environment), options).open() }
    } catch (error) {
      await environment.close()
      throw error
    }
  }

  async function leave(): Promise<void> {
    open -= 1
    if (open > 0 || shared === undefined) return
    const last = shared
    shared = undefined
    closing = (async () => {
      const { environment, grid } = await last
      await grid.close()
      await environment.close()
    })()
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
  }
}
