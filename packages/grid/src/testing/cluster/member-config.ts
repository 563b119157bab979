import type { MemberConfig, ResolvedClusterOptions } from './options.ts'

export interface MemberPlace {
  /** It listens there. */
  readonly port: number
  /** Others know it by this one. */
  readonly publicPort: number
  /** Addresses of all members, its own too. */
  readonly peers: readonly string[]
}

/**
 * The configuration of one member, as the text of a `hazelcast.yaml` (JSON is YAML): on the loopback only, found by address, no
 * word to the outside. Quick to miss a silent member; the lost acknowledgement of a backup is waited for 0.2 s, not 5 s.
 */
export function memberYaml(options: ResolvedClusterOptions, { port, publicPort, peers }: MemberPlace): string {
  const ours: MemberConfig = {
    'cluster-name': options.clusterName,
    network: {
      port: { port, 'auto-increment': false },
      ...(publicPort === port ? {} : { 'public-address': `127.0.0.1:${publicPort}` }),
      join: {
        'auto-detection': { enabled: false },
        multicast: { enabled: false },
        // For so long each looks for a master among the others before one of them becomes it: 5 s if not said.
        'tcp-ip': { enabled: true, 'connection-timeout-seconds': 2, 'member-list': [...peers] },
      },
      interfaces: { enabled: true, interfaces: ['127.0.0.1'] },
    },
    metrics: { enabled: false },
    ...(options.cpMembers === 0 ? {} : { 'cp-subsystem': { 'cp-member-count': options.cpMembers } }),
    properties: {
      'hazelcast.phone.home.enabled': 'false',
      'hazelcast.socket.bind.any': 'false',
      'hazelcast.shutdownhook.policy': 'GRACEFUL',
      'hazelcast.heartbeat.interval.seconds': String(options.heartbeatSeconds),
      'hazelcast.max.no.heartbeat.seconds': String(options.maxSilenceSeconds),
      'hazelcast.operation.backup.timeout.millis': '200',
      ...options.properties,
    },
  }
  return JSON.stringify({ hazelcast: merge(ours, options.config) }, undefined, 2)
}

function merge(under: MemberConfig, over: MemberConfig): MemberConfig {
  const merged: Record<string, MemberConfig[string]> = { ...under }
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name]
    merged[name] = isSection(below) && isSection(value) ? merge(below, value) : value
  }
  return merged
}

function isSection(value: MemberConfig[string] | undefined): value is MemberConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
