import type { TelemetryHooks } from '../hooks.ts'
import type { WatchedSystem } from '../telemetry-metrics.ts'
import type { StartTelemetryOptions } from './options.ts'

/** Each of them, though another throws: an end of a guest's (I7) must not keep the rest open. */
export function removeAll(detach: readonly (() => void)[]): void {
  for (const remove of detach) {
    try {
      remove()
    } catch {}
  }
}

/** What is attached is told to `detach` at once: the next may throw. */
export function attach(hooks: TelemetryHooks, { grid, system }: StartTelemetryOptions, detach: (() => void)[]): void {
  if (grid !== undefined) {
    detach.push(grid.use(hooks.grid))
    detach.push(hooks.watchGrid(grid))
  }
  if (system === undefined) return
  detach.push(system.use(hooks.core))
  if (system.agents !== undefined && system.agent !== undefined) detach.push(hooks.watchSystem(system as WatchedSystem))
}
