import type { Clock } from '../time/clock.ts'
import type { MapDriver } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import type { CaughtUpOptions } from '../grid.ts'
import { badOption, checkNames } from '../options.ts'

/** Waits for a copy, not for ever (I8). Throws `GridError` TIMEOUT, or the reason of the signal. */
export async function caughtUp(map: string, driver: MapDriver, clock: Clock, options: CaughtUpOptions): Promise<void> {
  checkNames('caughtUp', options, ['deadlineMs', 'signal'])
  const { deadlineMs = 5000, signal } = options
  if (!Number.isFinite(deadlineMs) || deadlineMs <= 0) throw badOption('deadlineMs', deadlineMs, 'a number of milliseconds above 0')
  signal?.throwIfAborted()
  if (driver.caughtUp === undefined) return
  const late = new AbortController()
  const timer = clock.setTimeout(
    () => late.abort(new GridError('TIMEOUT', `the copy of map ${quote(map)} did not catch up within ${deadlineMs} ms`)),
    deadlineMs,
  )
  try {
    await driver.caughtUp(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]))
  } finally {
    clock.clearTimeout(timer)
  }
}
