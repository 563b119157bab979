import { resolve } from 'node:path'
import { resolveCheckPages, type CheckPages } from '../durable/check-pages.ts'
import { badOption, checkCount, checkMs, checkNames } from '../store/rules.ts'
import type { AckLevel } from '../store/store.ts'

/** How the processes of a directory hear of each other's changes of maps. */
export interface ChangeLogOptions {
  /** How often to look for changes of other processes of which no ring told, in milliseconds. @default 100 */
  readonly pollMs?: number
  /** Changes kept for a process that is behind; one that is further behind is told `resync`. @default 65536 */
  readonly maxLogEntries?: number
  /** The same, in bytes. @default 67108864 */
  readonly maxLogBytes?: number
}

/** The embedded backend in a directory, durable and shared by the processes of one machine. */
export interface EmbeddedOptions extends ChangeLogOptions {
  /** A directory of its own, on a local disk (not NFS); made if absent. */
  readonly path: string
  /** What a resolved write promises: `process` survives `kill -9`, `host` power loss as well. @default 'process' */
  readonly level?: Exclude<AckLevel, 'none'>
  /** How long a write may take before it fails with STORE_TIMEOUT, its outcome unknown. @default 10000 */
  readonly timeoutMs?: number
  /** How many writes may wait; further ones are refused with STORE_BUSY. @default 65536 */
  readonly maxPending?: number
  /** Which pages of a file that is there are looked at when it is opened, as of `openDurable`. @default { maxBytes: 1073741824 } */
  readonly checkPages?: CheckPages
}

export type ResolvedEmbeddedOptions = Required<EmbeddedOptions>

export function resolveEmbeddedOptions(options: EmbeddedOptions): ResolvedEmbeddedOptions {
  checkNames('embedded', options, ['path', 'level', 'timeoutMs', 'maxPending', 'checkPages', 'pollMs', 'maxLogEntries', 'maxLogBytes'])
  const { path, level = 'process' } = options
  if (typeof path !== 'string' || path === '') throw badOption('path', path, 'the path of a directory, or no options at all')
  if (level !== 'process' && level !== 'host') throw badOption('level', level, "'process' or 'host'")
  return {
    // Now: it is opened later, and the process may be in another directory then.
    path: resolve(path),
    level,
    timeoutMs: checkMs('timeoutMs', options.timeoutMs ?? 10_000),
    maxPending: resolveMaxPending(options.maxPending),
    checkPages: resolveCheckPages(options.checkPages),
    ...resolveChangeLogOptions(options),
  }
}

export function resolveChangeLogOptions({
  pollMs = 100,
  maxLogEntries = 65_536,
  maxLogBytes = 67_108_864,
}: ChangeLogOptions): Required<ChangeLogOptions> {
  return {
    pollMs: checkMs('pollMs', pollMs),
    maxLogEntries: checkCount('maxLogEntries', maxLogEntries, 1),
    maxLogBytes: checkCount('maxLogBytes', maxLogBytes, 1),
  }
}

export function resolveMaxPending(maxPending = 65_536): number {
  return checkCount('maxPending', maxPending, 1)
}
