import type { TestCluster } from '@stigmergy/grid/testing'
import { Client } from 'hazelcast-client'

/** A client beside the grids, as any other program may have one. It logs nothing. */
export function plainClient({ clusterName, addresses }: TestCluster): Promise<Client> {
  return Client.newHazelcastClient({
    clusterName,
    network: { clusterMembers: [...addresses] },
    properties: { 'hazelcast.logging.level': 'OFF' },
  })
}
