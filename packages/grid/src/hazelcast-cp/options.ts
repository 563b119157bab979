import { systemClock, type Clock } from '../time/clock.ts'
import { badOption, checkCount, checkMs, checkNames } from '../store/rules.ts'
import type { CpClient } from './client.ts'

export interface CpAuthorityOptions {
  /** A client of `hazelcast-client`, connected. It stays open when the authority closes. */
  readonly client: CpClient
  /** Begins the names of the CP objects; a suffix `@group` names a CP group. @default 'stigmergy-leases' */
  readonly name?: string
  /**
   * Over how many CP objects the leases are spread: leases in one object wait for each other. All authorities of one name must agree.
   * CP objects stay for ever, so there is none per lease. @default 16
   */
  readonly shards?: number
  /** How long an operation may take with all its retries. @default 10000 */
  readonly timeoutMs?: number
  /** After which one try is given up and another made: the client has no limit of its own. @default 2000 */
  readonly tryMs?: number
  /** How often a wait or a watch looks. @default 100 */
  readonly pollMs?: number
  /** @default systemClock() */
  readonly clock?: Clock
  /** From 0 to 1, for the pauses between retries. @default Math.random */
  readonly random?: () => number
}

export type ResolvedCpOptions = Required<CpAuthorityOptions>

const NAMES = ['client', 'name', 'shards', 'timeoutMs', 'tryMs', 'pollMs', 'clock', 'random']

export function resolveCpOptions(options: CpAuthorityOptions): ResolvedCpOptions {
  checkNames('openCpAuthority', options, NAMES)
  const { client, name = 'stigmergy-leases', clock = systemClock(), random = Math.random } = options
  if (typeof client?.getCPSubsystem !== 'function') throw badOption('client', client, 'a client of hazelcast-client')
  if (typeof name !== 'string' || !/^[^@\s]+(?:@[^@\s]+)?$/.test(name)) throw badOption('name', name, "a name, or 'name@group'")
  const shards = checkCount('shards', options.shards ?? 16, 1)
  if (shards > 1024) throw badOption('shards', shards, 'at most 1024')
  return {
    client,
    name,
    shards,
    timeoutMs: checkMs('timeoutMs', options.timeoutMs ?? 10_000),
    tryMs: checkMs('tryMs', options.tryMs ?? 2000),
    pollMs: checkMs('pollMs', options.pollMs ?? 100),
    clock,
    random,
  }
}
