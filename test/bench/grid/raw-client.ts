import type { ClientConfig } from 'hazelcast-client'

/** The client as its users have it, but silent. */
export function rawConfig(clusterName: string, members: readonly string[]): ClientConfig {
  return {
    clusterName,
    network: { clusterMembers: [...members] },
    properties: { 'hazelcast.logging.level': 'OFF' },
  }
}
