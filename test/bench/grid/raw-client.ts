import type { ClientConfig } from 'hazelcast-client'

/** The client as its users have it, but silent. */
export function rawConfig(clusterName: string, members: readonly string[]): ClientConfig {
  return {
    clusterName,
    network: { clusterMembers: [...members] },
    properties: { 'hazelcast.logging.level': 'OFF' },
  }
}

/** What members are started with where something is measured: both of Java's compilers, as a server in use has them. */
export const AS_IN_USE: readonly string[] = ['-XX:TieredStopAtLevel=4']
