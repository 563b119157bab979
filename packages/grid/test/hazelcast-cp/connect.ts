import type { TestCluster } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'

/** A client of the cluster, quiet, and quick to find another member. */
export function connect({ clusterName, addresses }: Pick<TestCluster, 'clusterName' | 'addresses'>): Promise<Client> {
  return Client.newHazelcastClient({
    clusterName,
    network: { clusterMembers: [...addresses] },
    connectionStrategy: { connectionRetry: { clusterConnectTimeoutMillis: 20_000 } },
    properties: { 'hazelcast.logging.level': 'OFF' },
  })
}
