import { Client, type ClientConfig, type LifecycleState, type MembershipEvent } from 'hazelcast-client'
import { GridError, quote } from '../errors.ts'
import type { ResolvedHazelcastOptions } from './options.ts'

export interface DialListeners {
  readonly onState: (state: LifecycleState) => void
  readonly onMember: (change: 'joined' | 'left', event: MembershipEvent) => void
}

/** One try to connect, with an end: the client by itself tries for ever. Throws `GridError` CONNECT_FAILED. */
export async function dial(options: ResolvedHazelcastOptions, timeoutMs: number, listeners: DialListeners): Promise<Client> {
  const said: string[] = []
  let refuse: (error: GridError) => void = () => {}
  const refused = new Promise<never>((_resolve, reject) => {
    refuse = reject
  })
  // Whoever gave up first must not leave a stray rejection behind.
  refused.catch(() => {})
  const hear = (message: string): void => {
    said.push(message)
    if (said.length > 16) said.shift()
    if (/does not match the one configured/.test(message)) refuse(failed(options, said))
  }
  const connecting = Client.newHazelcastClient(toConfig(options, timeoutMs, listeners, hear))
  const timer = options.clock.setTimeout(() => refuse(failed(options, said)), timeoutMs + 250)
  try {
    const client = await Promise.race([connecting, refused])
    // The client looks each map's name up there, and would find what every object has: a map named `constructor` could not be opened.
    Object.setPrototypeOf(client.getConfig().nearCaches ?? {}, null)
    return client
  } catch (cause) {
    // Given up here; should it yet connect, it is closed at once.
    void connecting.then((client) => client.shutdown()).catch(() => {})
    throw cause instanceof GridError ? cause : failed(options, said, cause)
  } finally {
    options.clock.clearTimeout(timer)
  }
}

function toConfig(
  { clusterName, members, tls, hungAfterMs, deadlineMs }: ResolvedHazelcastOptions,
  timeoutMs: number,
  { onState, onMember }: DialListeners,
  hear: (message: string) => void,
): ClientConfig {
  const quiet = (): void => {}
  const loud = (_name: string, message: string): void => hear(message)
  const ssl = tls === false ? { enabled: false } : { enabled: true, ...(tls === true ? {} : { sslOptions: tls }) }
  return {
    clusterName,
    network: { clusterMembers: [...members], connectionTimeout: Math.min(timeoutMs, 1000), ssl },
    connectionStrategy: {
      // A client that has lost all its connections ends; the link makes a new one. So there is one way to begin, and it is tried often.
      reconnectMode: 'OFF' as never,
      connectionRetry: {
        initialBackoffMillis: 50,
        maxBackoffMillis: 250,
        multiplier: 1.5,
        clusterConnectTimeoutMillis: timeoutMs,
        jitter: 0.2,
      },
    },
    lifecycleListeners: [onState],
    membershipListeners: [{ memberAdded: (event) => onMember('joined', event), memberRemoved: (event) => onMember('left', event) }],
    customLogger: { log: quiet, error: loud, warn: loud, info: quiet, debug: quiet, trace: quiet },
    metrics: { enabled: false },
    properties: {
      'hazelcast.client.heartbeat.interval': Math.max(100, Math.floor(hungAfterMs / 4)),
      'hazelcast.client.heartbeat.timeout': hungAfterMs,
      'hazelcast.client.invocation.timeout.millis': deadlineMs,
      'hazelcast.client.invocation.retry.pause.millis': 20,
      'hazelcast.client.operation.backup.timeout.millis': 200,
      'hazelcast.client.internal.clean.resources.millis': 50,
    },
  }
}

function failed({ clusterName, members }: ResolvedHazelcastOptions, said: readonly string[], cause?: unknown): GridError {
  const text = said.join('\n')
  const where = `cluster ${quote(clusterName)} at ${members.join(', ')}`
  return new GridError('CONNECT_FAILED', `cannot connect to ${where}: ${reason(text, cause)}`, { cause })
}

function reason(said: string, cause: unknown): string {
  if (/does not match the one configured/.test(said)) return 'the cluster that answers there has another name'
  if (/ECONNREFUSED/.test(said)) return 'nobody listens there'
  if (/ENOTFOUND|EAI_AGAIN/.test(said)) return 'there is no host of that name'
  if (/SSL|TLS|wrong version number|secure/i.test(said)) return 'it does not answer by TLS'
  const last = said.split('\n').findLast((line) => line.startsWith('Error during initial connection'))
  if (last !== undefined) return `what answers there gave no answer of Hazelcast (${last.slice(0, 160)})`
  return cause instanceof Error ? cause.message : 'what listens there gave no answer of Hazelcast in time'
}
