import type { Change } from '@stigmergy/grid'
import { type CellMaps, type Part, type RobotStatus } from '../cell-maps.ts'
import { type BatchMean, batchMean } from '../statistics.ts'

/** What happened in a cell, told by nothing but the changes of its maps. */
export interface Tally {
  readonly parts: number
  readonly picked: number
  readonly missed: number
  readonly mapEvents: number
  /** Share of the time each robot was busy, in belt order. */
  loads(): readonly BatchMean[]
  close(): void
}

export interface TallyOptions {
  readonly maps: CellMaps
  readonly robotIds: readonly string[]
  /** Local monotonic time at which each robot's stream of parts begins. */
  readonly fromMs: readonly number[]
  /** Length and number of the equal batches of time over which loads are taken. */
  readonly batchMs: number
  readonly batches: number
}

/** Counts parts and sums busy time per robot and batch from the watchers of the `parts` and `robots` maps. */
export function createTally({ maps, robotIds, fromMs, batchMs, batches }: TallyOptions): Tally {
  let parts = 0
  let picked = 0
  let missed = 0
  let mapEvents = 0
  const busyMs = robotIds.map(() => new Float64Array(batches))
  const busySinceMs = new Map<string, number>()
  const indexOf = new Map(robotIds.map((id, index) => [id, index]))

  const addBusy = (robot: string, sinceMs: number, untilMs: number): void => {
    const index = indexOf.get(robot)
    const sums = index === undefined ? undefined : busyMs[index]
    if (index === undefined || sums === undefined) return
    const begin = fromMs[index] ?? 0
    const last = Math.min(batches - 1, Math.floor((untilMs - begin) / batchMs))
    for (let batch = Math.max(0, Math.floor((sinceMs - begin) / batchMs)); batch <= last; batch++) {
      const from = begin + batch * batchMs
      sums[batch] = (sums[batch] ?? 0) + Math.min(untilMs, from + batchMs) - Math.max(sinceMs, from)
    }
  }

  const onPart = (change: Change<Part>): void => {
    mapEvents += 1
    if (change.type === 'put') {
      if (change.previous === undefined) parts += 1
    } else if (change.type === 'remove') {
      if (change.previous.value.owner === undefined) missed += 1
      else picked += 1
    }
  }
  const onRobot = (change: Change<RobotStatus>): void => {
    mapEvents += 1
    if (change.type !== 'put') return
    const { key, entry } = change
    const since = busySinceMs.get(key)
    if (entry.value.state === 'busy') {
      if (since === undefined) busySinceMs.set(key, entry.acceptedAtMs)
    } else if (since !== undefined) {
      busySinceMs.delete(key)
      addBusy(key, since, entry.acceptedAtMs)
    }
  }
  const watches = [maps.parts.watch(onPart), maps.robots.watch(onRobot)]

  return {
    get parts() {
      return parts
    },
    get picked() {
      return picked
    },
    get missed() {
      return missed
    },
    get mapEvents() {
      return mapEvents
    },
    loads: () => busyMs.map((sums) => batchMean([...sums].map((ms) => ms / batchMs))),
    close: () => {
      for (const watch of watches) watch.close()
    },
  }
}
