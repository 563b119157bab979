import { resolve } from 'node:path'
import { systemClock, type Clock } from '../time/clock.ts'
import { resolveChangeLogOptions, resolveMaxPending, type ChangeLogOptions } from '../embedded/embedded-options.ts'
import { resolveCheckPages, type CheckPages } from './check-pages.ts'
import { badOption, checkCount, checkMs, checkNames } from '../store/rules.ts'
import type { AckLevel } from '../store/store.ts'

export interface DurableOptions extends ChangeLogOptions {
  /** A directory of its own, on a local disk (not NFS); made if absent. Several processes of one machine may open it. */
  readonly path: string
  /** What a resolved write promises. @default 'process' */
  readonly level?: Exclude<AckLevel, 'none'>
  /** How many revisions of a record are kept, the present one included. @default 5 */
  readonly revisions?: number
  /** How long a write may take before it fails with STORE_TIMEOUT, its outcome unknown. @default 10000 */
  readonly timeoutMs?: number
  /** How many writes may wait; further ones are refused with STORE_BUSY. @default 65536 */
  readonly maxPending?: number
  /**
   * Which pages of a file that is there are looked at before it is used; one that is damaged is told as STORE_BROKEN. Without that, reading
   * it may end the process. @default { maxBytes: 1073741824 }
   */
  readonly checkPages?: CheckPages
  /** @default systemClock() */
  readonly clock?: Clock
}

export interface ResolvedDurableOptions extends Required<ChangeLogOptions> {
  readonly path: string
  readonly level: Exclude<AckLevel, 'none'>
  readonly revisions: number
  readonly timeoutMs: number
  readonly maxPending: number
  readonly checkPages: CheckPages
  readonly clock: Clock
}

export function resolveDurableOptions(options: DurableOptions): ResolvedDurableOptions {
  checkNames('openDurable', options, [
    'path',
    'level',
    'revisions',
    'timeoutMs',
    'maxPending',
    'checkPages',
    'clock',
    'pollMs',
    'maxLogEntries',
    'maxLogBytes',
  ])
  const { path, level = 'process', revisions = 5, timeoutMs = 10_000, clock = systemClock() } = options
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw badOption('path', path, 'the path of a directory')
  if (level !== 'process' && level !== 'host') throw badOption('level', level, "'process' or 'host'")
  return {
    // Now: the process may go to another directory later, and there is one place.
    path: resolve(path),
    level,
    revisions: checkCount('revisions', revisions, 1),
    timeoutMs: checkMs('timeoutMs', timeoutMs),
    maxPending: resolveMaxPending(options.maxPending),
    checkPages: resolveCheckPages(options.checkPages),
    clock,
    ...resolveChangeLogOptions(options),
  }
}
