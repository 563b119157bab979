import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quote } from '../../errors.ts'
import { ClusterError } from './errors.ts'
import { findJar, findJava } from './jar.ts'
import { MemberProcess, type TestMember } from './member.ts'
import type { MemberPlace } from './member-config.ts'
import { resolveClusterOptions, splitAddress, type ClusterOptions, type ResolvedClusterOptions } from './options.ts'
import { freePorts, isFree, listens } from './ports.ts'
import { waitReady } from './ready.ts'
import { Switchboard } from './switchboard.ts'
import { startWatchdog, type Watchdog } from './watchdog.ts'

/** A Hazelcast cluster for tests. */
export interface TestCluster extends AsyncDisposable {
  readonly clusterName: string
  /** `host:port` of each member that is not gone, in the order they were started. What a client is given. */
  readonly addresses: readonly string[]
  /** Those started here, the gone ones too. Empty where the cluster already ran. */
  readonly members: readonly TestMember[]
  /**
   * Starts one more member and waits until it and all running members see each other. With the `address` of a member that is
   * gone, it comes back there.
   */
  join(options?: { readonly address?: string; readonly signal?: AbortSignal }): Promise<TestMember>
  /**
   * Members of `side` and the others do not reach each other any more, until {@link heal}; clients reach all of them. Needs
   * `splittable`. How soon a side gives the other up is `maxSilenceSeconds`; how soon they meet again after `heal`, Hazelcast's
   * properties `hazelcast.merge.first.run.delay.seconds` and `hazelcast.merge.next.run.delay.seconds` (300 and 120 s).
   */
  split(side: readonly TestMember[]): void
  /** All members reach each other again. */
  heal(): void
  /** Kills what was started here and removes its files. Throws nothing; a second call does nothing. */
  stop(): Promise<void>
}

/**
 * Starts a Hazelcast cluster on the loopback, or takes one that runs already (`addresses`), and waits until it can be used.
 * Its members end with this process, even if it is killed.
 *
 *     await using cluster = await startCluster({ members: 3 })
 *     cluster.members[0]?.pause()
 *
 * @throws ClusterError with one of the codes of {@link CLUSTER_ERRORS}; the reason of `signal` if that ends it.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const resolved = resolveClusterOptions(options)
  resolved.signal?.throwIfAborted()
  if (resolved.addresses !== undefined) return takeRunning(resolved, resolved.addresses)
  const java = await findJava(resolved.env)
  const jar = await findJar(resolved)
  const directory = await mkdtemp(join(tmpdir(), 'stigmergy-cluster-'))
  const cluster = new StartedCluster(resolved, java, jar, directory)
  await cluster.start()
  return cluster
}

/** What `startCluster` lacks here to start members, in words; undefined if nothing. Fetches the jar if Maven can. */
export async function clusterLacks(options: ClusterOptions = {}): Promise<string | undefined> {
  const { addresses, env, version, signal } = resolveClusterOptions(options)
  if (addresses !== undefined) return undefined
  try {
    await findJava(env)
    await findJar({ env, version, signal })
    return undefined
  } catch (error) {
    if (error instanceof ClusterError) return error.message
    throw error
  }
}

class StartedCluster implements TestCluster {
  readonly clusterName: string
  readonly #options: ResolvedClusterOptions
  readonly #java: string
  readonly #jar: string
  readonly #directory: string
  readonly #watchdog: Watchdog = startWatchdog()
  readonly #switchboard = new Switchboard()
  readonly #members: MemberProcess[] = []
  #stopped = false

  constructor(options: ResolvedClusterOptions, java: string, jar: string, directory: string) {
    this.clusterName = options.clusterName
    this.#options = options
    this.#java = java
    this.#jar = jar
    this.#directory = directory
    this.#watchdog.watchDirectory(directory)
  }

  get members(): readonly TestMember[] {
    return this.#members
  }

  get addresses(): readonly string[] {
    return this.#members.filter(({ state }) => state !== 'gone').map(({ address }) => address)
  }

  async start(): Promise<void> {
    const { members, ports: given, signal } = this.#options
    const ports = [...given.slice(0, members), ...(await freePorts(Math.max(0, members - given.length), given))]
    for (const port of given.slice(0, members)) await this.#checkFree(port)
    const places = await Promise.all(ports.map((port) => this.#place(port)))
    const addresses = places.map(({ publicPort }) => `127.0.0.1:${publicPort}`)
    for (const place of places) this.#startMember(place, addresses)
    try {
      await waitReady(this.#members, this.#options, signal)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async join({ address, signal }: { readonly address?: string; readonly signal?: AbortSignal } = {}): Promise<TestMember> {
    if (this.#stopped) throw new ClusterError('GONE', `cluster ${quote(this.clusterName)} was stopped`)
    signal?.throwIfAborted()
    const used = this.#members.map((member) => Number(member.address.split(':')[1]))
    const port = address === undefined ? (await freePorts(1, used))[0] : Number(address.split(':')[1])
    if (port === undefined || !Number.isSafeInteger(port)) {
      throw new ClusterError('BAD_OPTION', `address is ${quote(address)}: give that of a member that is gone`)
    }
    if (address !== undefined && this.#options.splittable) {
      throw new ClusterError('BAD_OPTION', `address is ${quote(address)}: members of a splittable cluster do not come back at theirs`)
    }
    if (address !== undefined) await this.#checkFree(port)
    const place = await this.#place(port)
    const member = this.#startMember(place, [...this.addresses, `127.0.0.1:${place.publicPort}`])
    try {
      await waitReady(this.#members, this.#options, signal)
    } catch (error) {
      await member.kill()
      throw error
    }
    return member
  }

  split(side: readonly TestMember[]): void {
    if (!this.#options.splittable) {
      throw new ClusterError('BAD_OPTION', 'splittable is false: start the cluster with { splittable: true } to split it')
    }
    this.#switchboard.split(side.map(({ address }) => splitAddress(address).port))
  }

  heal(): void {
    this.#switchboard.split([])
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await Promise.all(this.#members.map((member) => member.kill()))
    await this.#switchboard.close()
    await this.#watchdog.close()
    await rm(this.#directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #place(port: number): Promise<Omit<MemberPlace, 'peers'>> {
    return { port, publicPort: this.#options.splittable ? await this.#switchboard.open(port) : port }
  }

  #startMember(place: Omit<MemberPlace, 'peers'>, peers: readonly string[]): MemberProcess {
    const name = `member-${this.#members.length + 1}-${place.port}`
    const [java, jar, directory] = [this.#java, this.#jar, this.#directory]
    const member = new MemberProcess({ java, jar, directory, name, ...place, peers, options: this.#options, watchdog: this.#watchdog })
    this.#members.push(member)
    return member
  }

  async #checkFree(port: number): Promise<void> {
    if (await isFree(port)) return
    if (this.#members.length === 0) await this.stop()
    throw new ClusterError('PORT_TAKEN', `port ${port} of 127.0.0.1 is taken`)
  }
}

async function takeRunning({ clusterName, signal }: ResolvedClusterOptions, addresses: readonly string[]): Promise<TestCluster> {
  for (const address of addresses) {
    signal?.throwIfAborted()
    if (!(await listens(address, 5000))) throw new ClusterError('UNREACHABLE', `nothing listens on ${quote(address)}`)
  }
  return {
    clusterName,
    addresses,
    members: [],
    join: async () => {
      throw new ClusterError('NOT_OURS', `the cluster at ${addresses.join(', ')} was not started here: no member can join it from here`)
    },
    split() {
      throw new ClusterError('NOT_OURS', `the cluster at ${addresses.join(', ')} was not started here: it cannot be split from here`)
    },
    heal() {},
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}
