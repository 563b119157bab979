import type { Role } from '../plan.ts'

export interface ChangeWriterArgs {
  readonly name: string
  readonly keys: number
  readonly perSecond: number
  /** Does it hold nothing of the map, or a part that is empty? */
  readonly unheld: boolean
}

/** Of each key, the counts of its changes that were acknowledged. */
export type ChangeWriterLog = ReadonlyMap<string, readonly number[]>

const TICK_MS = 5
/** Of the changes of a key. */
export const REMOVE_EVERY = 10

/** Changes keys of its own, each change of a key counting one up; one in ten is a remove. A key waits for the end of its last change. */
export const changeWriter: Role<ChangeWriterArgs, ChangeWriterLog> = async (grid, { name, keys, perSecond, unheld }, { signal, ready }) => {
  const map = grid.map<number>('changes', { interest: unheld ? 'none' : { prefix: 'nothing' } })
  await map.caughtUp({ deadlineMs: 20_000 })
  const acked = new Map(Array.from({ length: keys }, (_, at) => [`${name}.${at}`, [] as number[]]))
  const idle = [...acked.keys()]
  const counts = new Map<string, number>()
  const underWay = new Set<Promise<void>>()
  const change = async (key: string): Promise<void> => {
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    try {
      const made = count % REMOVE_EVERY === 0 ? await map.remove(key) : (await map.put(key, count)).version > 0
      // Where the put before it failed there may have been nothing to remove.
      if (made) acked.get(key)?.push(count)
    } catch {
      // Its outcome is unknown.
    }
    idle.push(key)
  }
  ready()
  const began = performance.now()
  let done = 0
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    const wanted = Math.floor(((performance.now() - began) / 1000) * perSecond)
    for (; done < wanted; done++) {
      const key = idle.shift()
      if (key === undefined) continue
      const changing = change(key)
      underWay.add(changing)
      void changing.finally(() => underWay.delete(changing))
    }
  }
  await Promise.all(underWay)
  return acked
}
