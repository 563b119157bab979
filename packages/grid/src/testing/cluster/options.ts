import { randomUUID } from 'node:crypto'
import { quote } from '../../errors.ts'
import { ClusterError } from './errors.ts'

/** A part of a member's configuration, in the shape of `hazelcast.yaml` below its `hazelcast:` line. */
export interface MemberConfig {
  readonly [name: string]: string | number | boolean | null | readonly unknown[] | MemberConfig
}

export interface ClusterOptions {
  /** How many members to start, 1 to 9. @default 3 */
  readonly members?: number
  /** Of Hazelcast. 5.4.0 is the last free one with the CP subsystem. @default '5.7.0' */
  readonly version?: string
  /**
   * @default a new name, so that clusters of other tests are not met; of one that already runs HAZELCAST_CLUSTER_NAME, or 'dev' as
   * Hazelcast itself has it
   */
  readonly clusterName?: string
  /** Merged over the configuration of every member, in the shape of `hazelcast.yaml`. Lists are replaced. @default {} */
  readonly config?: MemberConfig
  /** Hazelcast's system properties, merged over ours, by name: `{ 'hazelcast.partition.count': '11' }`. @default {} */
  readonly properties?: Readonly<Record<string, string>>
  /** How often members say that they live, in whole seconds. @default 1 */
  readonly heartbeatSeconds?: number
  /** Silent for that long, a member is taken for dead, in whole seconds. @default 10 */
  readonly maxSilenceSeconds?: number
  /** Members are reached through ports of this process, so that {@link TestCluster.split} can cut them off each other. @default false */
  readonly splittable?: boolean
  /** Members of the CP subsystem; 0 turns it off, else 3 or more. Needs version 5.4.0 or older, or Enterprise. @default 0 */
  readonly cpMembers?: number
  /** Of each member, as Java's -Xmx takes it. @default '384m' */
  readonly heap?: string
  /**
   * More arguments for each Java process. Members are made to start quickly, with Java's first compiler alone; a measurement wants
   * `['-XX:TieredStopAtLevel=4']`, as a server in use has it. @default []
   */
  readonly javaArguments?: readonly string[]
  /** Ports of the first members, in turn. @default free ports */
  readonly ports?: readonly number[]
  /**
   * Of a cluster that already runs, as `host:port`: then nothing is started, killed or paused.
   * @default HAZELCAST_ADDRESSES, separated by commas; without it, members are started
   */
  readonly addresses?: readonly string[]
  /** Until all members are ready, in milliseconds; the jar's download is not counted. @default 60_000 */
  readonly timeoutMs?: number
  /** Gives up and leaves nothing behind. */
  readonly signal?: AbortSignal
  /** Where HAZELCAST_JAR, HAZELCAST_ADDRESSES, JAVA_HOME and the caches are looked up. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export type ResolvedClusterOptions = Required<Omit<ClusterOptions, 'signal' | 'addresses'>> & {
  readonly addresses: readonly string[] | undefined
  readonly signal: AbortSignal | undefined
}

const NAMES: readonly (keyof ClusterOptions)[] = [
  'members',
  'version',
  'clusterName',
  'config',
  'properties',
  'heartbeatSeconds',
  'maxSilenceSeconds',
  'splittable',
  'cpMembers',
  'heap',
  'javaArguments',
  'ports',
  'addresses',
  'timeoutMs',
  'signal',
  'env',
]

export function resolveClusterOptions(options: ClusterOptions = {}): ResolvedClusterOptions {
  check('options of startCluster', options, 'an object', isObject(options))
  for (const name of Object.keys(options)) {
    if ((NAMES as readonly string[]).includes(name)) continue
    throw new ClusterError('BAD_OPTION', `startCluster has no option ${quote(name)}: it has ${NAMES.join(', ')}`)
  }
  const env = options.env ?? process.env
  check('env', env, 'texts by name', isObject(env))
  const { members = 3, version = '5.7.0', heap = '384m', ports = [], cpMembers = 0, timeoutMs = 60_000, signal } = options
  const addresses = options.addresses ?? listed(env['HAZELCAST_ADDRESSES'])
  const newName = addresses === undefined ? `test-${randomUUID().slice(0, 8)}` : (env['HAZELCAST_CLUSTER_NAME'] ?? 'dev')
  const { clusterName = newName, heartbeatSeconds = 1, maxSilenceSeconds = 10 } = options
  check('members', members, 'a whole number from 1 to 9', isWhole(members, 1) && members <= 9)
  check('version', version, "a version such as '5.7.0'", typeof version === 'string' && /^\d+\.\d+\.\d+$/.test(version))
  check('clusterName', clusterName, 'a non-empty string', typeof clusterName === 'string' && clusterName !== '')
  check('heap', heap, "a size such as '384m'", typeof heap === 'string' && /^\d+[kmg]$/i.test(heap))
  check('heartbeatSeconds', heartbeatSeconds, 'a whole number of seconds from 1 on', isWhole(heartbeatSeconds, 1))
  check('maxSilenceSeconds', maxSilenceSeconds, 'more seconds than heartbeatSeconds', isWhole(maxSilenceSeconds, heartbeatSeconds + 1))
  check(
    'cpMembers',
    cpMembers,
    '0, or a whole number from 3 to `members`',
    cpMembers === 0 || (isWhole(cpMembers, 3) && cpMembers <= members),
  )
  check('timeoutMs', timeoutMs, 'a number of milliseconds above 0', Number.isFinite(timeoutMs) && timeoutMs > 0)
  check('ports', ports, 'a list', Array.isArray(ports))
  check('addresses', addresses, 'a list of at least one', addresses === undefined || (Array.isArray(addresses) && addresses.length > 0))
  for (const port of ports) check('ports', port, 'port numbers from 1 to 65535', isWhole(port, 1) && port <= 65_535)
  for (const address of addresses ?? []) check('addresses', address, "addresses such as '127.0.0.1:5701'", isAddress(address))
  const { config = {}, properties = {}, javaArguments = [], splittable = false } = options
  check('config', config, 'an object in the shape of hazelcast.yaml', isObject(config))
  check('properties', properties, 'texts by name', isObject(properties) && Object.values(properties).every(isText))
  check('javaArguments', javaArguments, 'a list of texts', Array.isArray(javaArguments) && javaArguments.every(isText))
  check(
    'signal',
    signal,
    'an AbortSignal',
    signal === undefined || typeof (signal as Partial<AbortSignal> | null)?.throwIfAborted === 'function',
  )
  check('splittable', splittable, 'true or false', typeof splittable === 'boolean')
  check('ports', ports, 'no ports where splittable is true', !splittable || ports.length === 0)
  return {
    members,
    version,
    clusterName,
    config,
    properties,
    heartbeatSeconds,
    maxSilenceSeconds,
    splittable,
    cpMembers,
    heap,
    javaArguments,
    ports,
    addresses,
    timeoutMs,
    signal,
    env,
  }
}

export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
}

function listed(text: string | undefined): readonly string[] | undefined {
  const addresses = (text ?? '').split(',').map((address) => address.trim())
  return addresses.some((address) => address !== '') ? addresses : undefined
}

function isAddress(address: unknown): boolean {
  if (typeof address !== 'string') return false
  const { host, port } = splitAddress(address)
  return host !== '' && !/\s/.test(host) && isWhole(port, 1) && port <= 65_535
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isWhole(value: unknown, from: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= from
}

function check(name: string, value: unknown, wanted: string, right: boolean): void {
  if (!right) throw new ClusterError('BAD_OPTION', `${name} is ${quote(value)}: give ${wanted}`)
}
