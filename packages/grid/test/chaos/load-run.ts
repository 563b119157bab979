import { isGridError, type GridMap } from '@stigmergy/grid'
import type { TestCluster } from '@stigmergy/grid/testing'

const LANES = 2000
const KEYS = 2000
const VALUE = 'v'.repeat(1000)
const KNOWN = ['made', 'BUSY', 'TIMEOUT', 'OFFLINE', 'OUTCOME_UNKNOWN']

export interface PausedLoad {
  /** How many writes ended in each way: `made`, or the code of an error. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Ways that are none a caller is told of. */
  readonly unknown: readonly string[]
  /** Of this process's memory, while the cluster was paused, in MiB: at its highest. */
  readonly grownMiB: number
}

/** 2,000 callers write as fast as they are answered, before and while the first member is paused. `goesOn`: is given the writes since then. */
export async function loadPaused(cluster: TestCluster, map: GridMap<string>, goesOn: (writes: number) => boolean): Promise<PausedLoad> {
  const outcomes: Record<string, number> = {}
  const rss = (): number => process.memoryUsage.rss() / 2 ** 20
  let highest = 0
  const load = async (more: (writes: number) => boolean): Promise<void> => {
    let next = 0
    const lane = async (): Promise<void> => {
      while (more(next)) {
        const outcome = await map.put(`k${next++ % KEYS}`, VALUE).then(
          () => 'made',
          (error: unknown) => (isGridError(error) ? error.code : String(error)),
        )
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        highest = Math.max(highest, rss())
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  }
  await load((writes) => writes < 2 * LANES)
  const before = rss()
  highest = before
  cluster.members[0]?.pause()
  await load(goesOn)
  cluster.members[0]?.resume()
  return { outcomes, unknown: Object.keys(outcomes).filter((outcome) => !KNOWN.includes(outcome)), grownMiB: highest - before }
}

/** After a pause: resolves when a write is made again. Throws after ten seconds. */
export async function recovered(map: GridMap<string>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await map.put('after', 'all').catch(() => undefined)) !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('no write was made')
}
