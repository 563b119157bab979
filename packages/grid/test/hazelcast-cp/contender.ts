import type { TestCluster } from '@stigmergy/grid/testing'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startChild } from '../durable/kill-rounds.ts'

const CHILD = fileURLToPath(new URL('pause-child.ts', import.meta.url))

/** Starts processes that contend for a lease of this cluster, and commit to a store in this directory. */
export function cpContender({ clusterName, addresses }: TestCluster, path: string): (owner: string) => ChildProcess {
  return (owner) => startChild(CHILD, [clusterName, addresses.join(','), path, owner])
}
