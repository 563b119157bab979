import { GridError, quote } from '../../errors.ts'
import type { HazelcastReader } from '../../hazelcast/hazelcast-reader.ts'
import { StoreError } from '../../store/errors.ts'
import type { GridReader } from './reader.ts'

/** `hazelcast://HOST:PORT,HOST:PORT/CLUSTER`: port 5701 and cluster `dev`, where they are left out. */
export async function openCluster(url: string): Promise<GridReader> {
  const [, addresses = '', clusterName = ''] = /^hazelcast:\/\/([^/]*)\/?(.*)$/.exec(url) ?? []
  const members = addresses.split(',').filter((address) => address !== '')
  if (members.length === 0) throw new GridError('BAD_OPTION', `${quote(url)} names no member: give hazelcast://HOST:PORT/CLUSTER`)
  const { openHazelcastReader } = await import('../../hazelcast/hazelcast-reader.ts').catch((error: unknown) => {
    const absent = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
    throw absent
      ? new GridError('UNSUPPORTED', 'the package hazelcast-client 5.6.0 is not installed: add it to look into a cluster')
      : error
  })
  return toGridReader(await openHazelcastReader({ members, ...(clusterName !== '' && { clusterName: decodeURIComponent(clusterName) }) }))
}

/** A cluster holds maps, and nothing that must not be lost. */
function toGridReader(cluster: HazelcastReader): GridReader {
  const { product, versions, members, cp } = cluster
  const none = (what: string): never => {
    throw new StoreError('BAD_ID', `there is no ${what}: a cluster holds maps (see --map)`)
  }
  return {
    about: `${product} ${versions.join(', ')}, ${members} member${members === 1 ? '' : 's'}, ${cp ? 'with' : 'without'} CP`,
    schemaVersion: null,
    bytes: null,
    maps: { ...cluster, count: (map) => cluster.size(map), changes: cluster },
    store: { get: async () => undefined, revisions: async () => [], outbox: async () => [], scan: async function* () {} },
    blobs: {
      list: async function* () {},
      tags: async () => [],
      read: (reference) => none(`blob ${quote(reference)}`),
      readAll: (reference) => none(`blob ${quote(reference)}`),
      resolve: (reference) => none(`blob ${quote(reference)}`),
      stat: (reference) => none(`blob ${quote(reference)}`),
    },
    ids: () => [],
    tags: async function* () {},
    leases: () => [],
    journalNames: () => [],
    journals: () => [],
    journal: (name) => none(`journal ${quote(name)}`),
    close: () => cluster.close(),
  }
}
