import { machineNow } from '@stigmergy/grid/testing'
import { watchLoop, type LoopDelay } from '../loop-delay.ts'
import type { Role } from '../plan.ts'
import { onceKey, rotatingKey } from './age-writer.ts'

export interface AgeReaderArgs {
  readonly writers: readonly string[]
  readonly rotating: number
}

/** What was in the copy at one moment. */
export interface AgeSample {
  /** On the machine's monotonic clock. */
  readonly at: number
  /** The bound, as the copy gave it then. */
  readonly ageMs: number
  readonly writers: readonly {
    /** The highest write-once key there was, and those below that were not. */
    readonly high: number
    readonly missing: readonly number[]
    /** Of each rotating key the number it had; 0: it was not there. */
    readonly rotating: readonly number[]
  }[]
}

export interface AgeReaderLog {
  readonly samples: readonly AgeSample[]
  /** Of every key, at the end, when the copy said it was whole. */
  readonly last: ReadonlyMap<string, number>
  readonly loop: LoopDelay
}

const SAMPLE_MS = 5
/** So many write-once keys in a row have to be absent to be taken for not written yet. */
const AHEAD = 100

/** Looks at its copy again and again, and notes what is there and how old the copy says it is. */
export const ageReader: Role<AgeReaderArgs, AgeReaderLog> = async (grid, { writers, rotating }, { signal, ready }) => {
  const map = grid.map<number>('truth')
  await map.caughtUp({ deadlineMs: 20_000 })
  const states = writers.map((name) => ({ name, high: -1, missing: new Set<number>() }))
  const samples: AgeSample[] = []
  const loop = watchLoop()
  ready()
  while (!signal.aborted) {
    // Before the bound is asked for, so that the judge is never too strict; the copy does not change until the next turn.
    const at = machineNow()
    const ageMs = map.ageMs()
    const seen = states.map((state) => {
      for (const index of state.missing) if (map.peek(onceKey(state.name, index)) !== undefined) state.missing.delete(index)
      for (let index = state.high + 1; index <= state.high + AHEAD; index++) {
        if (map.peek(onceKey(state.name, index)) === undefined) continue
        for (let between = state.high + 1; between < index; between++) state.missing.add(between)
        state.high = index
      }
      const now = Array.from({ length: rotating }, (_, index) => map.peek(rotatingKey(state.name, index))?.value ?? 0)
      return { high: state.high, missing: [...state.missing], rotating: now }
    })
    samples.push({ at, ageMs, writers: seen })
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
  }
  await map.caughtUp({ deadlineMs: 15_000 })
  return { samples, loop: loop(), last: new Map(Array.from(map.entries(), ({ key, value }) => [key, value])) }
}
