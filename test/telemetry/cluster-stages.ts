// Pipelines through maps of a grid: each stage reads the entry of the one before, and goes on under the context that the entry carries.
import { openGrid, type Grid } from '@stigmergy/grid'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { gridKeepPort, type RecorderOptions } from '@stigmergy/telemetry'
import type { Fault } from './messages.ts'
import { startWorker, type Worker } from './steps.ts'

/** Where a process finds the grid. */
export interface Place {
  readonly clusterName: string
  readonly members: readonly string[]
  /** Before the names of maps and topics: runs on one cluster see nothing of each other. */
  readonly prefix: string
  /** Share of the traces that is kept for no reason. */
  readonly share: number
}

/** What an entry says of its pipeline, beside the context. */
export interface Item {
  readonly fault: Fault | null
}

/** A worker whose decisions and receipts travel by the grid. */
export interface GridWorker extends Worker {
  readonly grid: Grid
  /** Does a stage for each entry of a map, and writes what follows into the next. */
  stage(type: string, from: string, to: string): void
  /** Entries written by this process that failed. */
  readonly failed: () => number
  close(): Promise<void>
}

const silent = { send: () => {}, on: () => () => {} }

export async function startGridWorker(
  { clusterName, members, prefix, share }: Place,
  recorder: Omit<RecorderOptions, 'keep'> = {},
): Promise<GridWorker> {
  const grid = await openGrid(hazelcast({ clusterName, members, prefix, deadlineMs: 10_000, connectTimeoutMs: 20_000 }))
  let failed = 0
  const keepPort = gridKeepPort(grid, { onError: () => void failed++ })
  const worker = await startWorker(silent, { keepPort, grid, recorder, keep: { ratio: share, slowPerSecond: 0, sloMs: { planning: 50 } } })
  const ends: (() => void)[] = []
  return {
    ...worker,
    grid,
    failed: () => failed,
    stage(type, from, to) {
      const next = grid.map<Item>(to)
      const done = new Set<string>()
      const work = (key: string, { fault }: Item, trace: Parameters<Worker['step']>[1] | undefined): void => {
        if (done.has(key) || trace === undefined) return
        done.add(key)
        const context = worker.step(type, trace, fault ?? undefined)
        next.put(key, { fault }, { trace: context }).catch(() => void failed++)
      }
      const watch = grid.map<Item>(from).watch((change) => {
        if (change.type === 'put') work(change.key, change.entry.value, change.entry.trace)
        // A gap (I5): whatever is there and was not seen.
        else if (change.type === 'resync') for (const [key, { value, trace }] of change.entries) work(key, value, trace)
      })
      ends.push(() => watch.close())
    },
    async close() {
      for (const end of ends) end()
      await worker.telemetry.close()
      await grid.close()
    },
  }
}
