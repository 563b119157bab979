import { isGridError, type Entry, type Grid, type MapOptions } from '@stigmergy/grid'
import { Recorder, type Operation, type RegisterInput, type RegisterOutput } from '@stigmergy/grid/testing'
import { createRandom } from '../../random.ts'
import type { Role } from '../plan.ts'

export interface HistoryClientArgs {
  readonly name: string
  /** Told apart from those of other clients, so that no value is written twice. */
  readonly number: number
  readonly seed: number
  readonly keys: number
  /** Operations under way at a time, each on a key of its own. */
  readonly lanes: number
  /** Between two operations of a lane, in milliseconds. */
  readonly pauseMs: number
  /** Does it hold nothing of the maps? @default false */
  readonly unheld?: boolean
  /** After so many it ends by itself. @default when it is told to */
  readonly operations?: number
}

/** A read or a write of the map with session consistency: the version it showed. */
export interface SessionOutput {
  readonly version: number
}

export interface History {
  readonly strong: readonly Operation<RegisterInput<number>, RegisterOutput<number>>[]
  readonly session: readonly Operation<'read' | 'write', SessionOutput>[]
}

const WRITERS = 1000

/** Reads, writes and compares-and-sets keys that others use at the same time, and notes all of it. */
export const historyClient: Role<HistoryClientArgs, History> = async (grid, args, { signal, ready }) => {
  await Promise.all(['registers', 'sessions'].map((name) => grid.map(name, optionsOf(args)).caughtUp({ deadlineMs: 20_000 })))
  ready()
  return runHistory(grid, args, signal)
}

function optionsOf({ unheld = false }: HistoryClientArgs): MapOptions<number> {
  return unheld ? { interest: 'none' } : {}
}

export async function runHistory(grid: Grid, args: HistoryClientArgs, signal: AbortSignal): Promise<History> {
  const { name, number, seed, keys, lanes, pauseMs, operations = Infinity } = args
  const random = createRandom(seed)
  const strong = new Recorder<RegisterInput<number>, RegisterOutput<number>>()
  const session = new Recorder<'read' | 'write', SessionOutput>()
  const registers = grid.map<number>('registers', optionsOf(args))
  const sessions = grid.map<number>('sessions', optionsOf(args))
  const known = new Map<string, Entry<number> | undefined>()
  let written = 0
  const lane = async (): Promise<void> => {
    while (!signal.aborted && written < operations) {
      const key = `k${Math.floor(random() * keys)}`
      const value = ++written * WRITERS + number
      const dice = random()
      if (dice < 0.35) {
        const read = async (): Promise<RegisterOutput<number>> => {
          const entry = await registers.get(key, { consistency: 'strong' })
          known.set(key, entry)
          return entry?.value
        }
        // A read that failed showed nothing.
        await strong.run(name, key, { do: 'read' }, read, () => true)
      } else if (dice < 0.5) {
        const write = async (): Promise<undefined> => void known.set(key, await registers.put(key, value, { consistency: 'strong' }))
        await strong.run(name, key, { do: 'write', value }, write, isRefused)
      } else if (dice < 0.85) {
        const expected = known.get(key)
        const swap = async (): Promise<boolean> => {
          const result = await registers.compareAndSet(key, expected?.version ?? 0, value, { consistency: 'strong' })
          known.set(key, result.ok ? result.entry : result.current)
          return result.ok
        }
        await strong.run(name, key, { do: 'compare-and-set', expected: expected?.value, value }, swap, isRefused)
      } else if (dice < 0.9) {
        await session.run(name, key, 'write', async () => ({ version: (await sessions.put(key, value)).version }), isRefused)
      } else {
        const read = async (): Promise<SessionOutput> => ({ version: (await sessions.get(key, { consistency: 'session' }))?.version ?? 0 })
        await session.run(name, key, 'read', read, () => true)
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { strong: strong.operations, session: session.operations }
}

/** Nothing was sent. */
function isRefused(error: unknown): boolean {
  return isGridError(error, 'BUSY') || isGridError(error, 'OFFLINE')
}
