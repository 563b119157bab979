import type { ConnectionOptions } from 'node:tls'
import { systemClock, type Clock } from '../time/clock.ts'
import { badOption, checkClock, checkNames } from '../options.ts'

export interface HazelcastOptions {
  /** @default 'dev', as the members have it */
  readonly clusterName?: string
  /** Addresses of one or more members, `host:port`; the others are learnt from them. @default ['127.0.0.1:5701'] */
  readonly members?: readonly string[]
  /** Stands before the name of every map and topic on the cluster, so that several systems can share it. @default '' */
  readonly prefix?: string
  /** Connect by TLS; an object is given to `tls.connect`. The free members have no TLS. @default false */
  readonly tls?: boolean | ConnectionOptions
  /** How long `openGrid` tries to connect, in milliseconds. @default 5000 */
  readonly connectTimeoutMs?: number
  /** How long an operation may take, in milliseconds. @default 500 */
  readonly deadlineMs?: number
  /** Operations of one grid under way at a time; further ones wait for a place. @default 1024 */
  readonly maxInFlight?: number
  /** How often this process tells the others how far it has written, in milliseconds: the age of a copy is about twice that. @default 10 */
  readonly beatMs?: number
  /** A write that is missing so long after it was announced is looked for, in milliseconds. @default 30 */
  readonly gapMs?: number
  /** A process that was silent for so long is taken for dead, in milliseconds. @default 3000 */
  readonly silentMs?: number
  /** How often each map is compared with its owner, whatever has been heard, in milliseconds. @default 10000 */
  readonly sweepMs?: number
  /** A member that answers nothing for so long is given up, in milliseconds. @default 2000 */
  readonly hungAfterMs?: number
  /** How long the mark of a removed entry is kept in the cluster, in milliseconds. @default 60000 */
  readonly tombstoneMs?: number
  /** What beats and connections run on: real time, whatever clock the grid has. @default systemClock() */
  readonly clock?: Clock
}

export type ResolvedHazelcastOptions = Required<HazelcastOptions>

const TIMES = {
  connectTimeoutMs: 5000,
  deadlineMs: 500,
  beatMs: 10,
  gapMs: 30,
  silentMs: 3000,
  sweepMs: 10_000,
  hungAfterMs: 2000,
  tombstoneMs: 60_000,
} as const

const OTHERS = ['clusterName', 'members', 'prefix', 'tls', 'maxInFlight', 'clock'] as const

/** Throws `GridError` BAD_OPTION. */
export function resolveHazelcastOptions(options: HazelcastOptions): ResolvedHazelcastOptions {
  checkNames('hazelcast', options, [...OTHERS, ...Object.keys(TIMES)])
  const { clusterName = 'dev', members = ['127.0.0.1:5701'], prefix = '', tls = false, maxInFlight = 1024, clock = systemClock() } = options
  if (typeof clusterName !== 'string' || clusterName === '') throw badOption('clusterName', clusterName, 'a non-empty string')
  if (typeof prefix !== 'string') throw badOption('prefix', prefix, 'a string')
  if (typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null))
    throw badOption('tls', tls, 'true, false or options of tls.connect')
  if (!Number.isSafeInteger(maxInFlight) || maxInFlight < 1) throw badOption('maxInFlight', maxInFlight, 'a whole number from 1 on')
  return { clusterName, members: checkMembers(members), prefix, tls, maxInFlight, clock: checkClock(clock), ...resolveTimes(options) }
}

type Times = Record<keyof typeof TIMES, number>

function resolveTimes(options: HazelcastOptions): Times {
  const times: Times = { ...TIMES }
  for (const name of Object.keys(TIMES) as (keyof typeof TIMES)[]) {
    const { [name]: ms = TIMES[name] } = options
    if (!Number.isFinite(ms) || ms < 1) throw badOption(name, ms, 'a number of milliseconds from 1 on')
    times[name] = ms
  }
  const { beatMs, silentMs } = times
  if (silentMs <= beatMs)
    throw badOption('silentMs', silentMs, `more than beatMs, which is ${beatMs}: else all are silent between two beats`)
  return times
}

function checkMembers(members: readonly string[]): readonly string[] {
  if (!Array.isArray(members) || members.length === 0) throw badOption('members', members, "addresses as 'host:port'")
  for (const member of members as unknown[]) {
    if (typeof member !== 'string' || !isAddress(member)) throw badOption('a member', member, "an address as 'host:port'")
  }
  return [...members]
}

function isAddress(text: string): boolean {
  const port = /^(?:\[[0-9a-fA-F:]+\]|[^\s:/]+)(?::(\d{1,5}))?$/.exec(text)
  return port !== null && (port[1] === undefined || (Number(port[1]) >= 1 && Number(port[1]) <= 65_535))
}
