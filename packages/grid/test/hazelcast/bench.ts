import {
  createVirtualClock,
  openGrid,
  type Grid,
  type GridBackend,
  type GridMap,
  type MapOptions,
  type TopicStats,
  type VirtualClock,
} from '@stigmergy/grid'
import { hazelcast, type HazelcastOptions } from '@stigmergy/grid/hazelcast'
import type { GridBench, TestCluster } from '@stigmergy/grid/testing'
import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

export interface ClusterBench extends GridBench {
  readonly clock: VirtualClock
  close(): Promise<void>
}

export interface ClusterBenchOptions extends Pick<HazelcastOptions, 'beatMs'> {
  readonly decorate?: (backend: GridBackend) => GridBackend
}

interface Opened {
  readonly grid: Grid
  readonly maps: Set<GridMap<unknown>>
  /** Topic -> messages published to it, by anybody, before this grid opened it. */
  readonly topics: Map<string, number>
  closed: boolean
}

/**
 * A bench on a real cluster. The grids have a virtual clock, so that times to live can be judged to the millisecond; beats and
 * connections run in real time. Each bench has names of its own on the cluster.
 */
export function createClusterBench(
  cluster: TestCluster,
  { decorate = (backend) => backend, ...options }: ClusterBenchOptions = {},
): ClusterBench {
  const clock = createVirtualClock()
  const prefix = `${randomUUID().slice(0, 8)}.`
  const backend = decorate(
    hazelcast({
      clusterName: cluster.clusterName,
      members: cluster.addresses,
      prefix,
      deadlineMs: 5000,
      connectTimeoutMs: 20_000,
      ...options,
    }),
  )
  const opened: Opened[] = []
  const settle = async (): Promise<void> => {
    const maps = opened.filter(({ closed }) => !closed).flatMap((one) => [...one.maps])
    await Promise.all(maps.map((map) => map.caughtUp({ deadlineMs: 20_000 })))
    while (opened.some((one) => !one.closed && isBehind(one, opened))) await setImmediate()
    // What was told by then is delivered.
    await clock.advance(0)
  }
  return {
    clock,
    async open(gridOptions = {}) {
      const grid = await openGrid(backend, { ...gridOptions, clock })
      opened.push(observe(grid, opened))
      return grid
    },
    async pass(ms) {
      await settle()
      await clock.advance(ms)
    },
    settle,
    async close() {
      await Promise.all(opened.map(({ grid }) => grid.close()))
    },
  }
}

/** Notes which maps and topics a case opens. */
function observe(grid: Grid, opened: readonly Opened[]): Opened {
  const one: Opened = { grid, maps: new Set(), topics: new Map(), closed: false }
  const [openMap, openTopic, close] = [grid.map.bind(grid), grid.topic.bind(grid), grid.close.bind(grid)]
  grid.map = <V>(name: string, options?: MapOptions<V>): GridMap<V> => {
    const map = openMap<V>(name, options)
    one.maps.add(map as GridMap<unknown>)
    return map
  }
  grid.topic = (name) => {
    const topic = openTopic(name)
    if (!one.topics.has(name)) one.topics.set(name, published(name, opened))
    return topic as never
  }
  grid.close = () => {
    one.closed = true
    return close()
  }
  return one
}

function isBehind({ grid, topics }: Opened, opened: readonly Opened[]): boolean {
  return [...topics].some(([name, before]) => (statsOf(grid, name)?.received ?? 0) < published(name, opened) - before)
}

function published(name: string, opened: readonly Opened[]): number {
  return opened.reduce((sum, { grid, closed }) => sum + ((closed ? undefined : statsOf(grid, name))?.published ?? 0), 0)
}

function statsOf(grid: Grid, name: string): TopicStats | undefined {
  return grid.stats().topics.find((topic) => topic.name === name)
}
