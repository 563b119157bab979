import { machineNow } from '@stigmergy/grid/testing'
import { watchLoop, type LoopDelay } from '../loop-delay.ts'
import type { Role } from '../plan.ts'

export interface AgeWriterArgs {
  readonly name: string
  readonly perSecond: number
  /** Keys that are written again and again. */
  readonly rotating: number
  /** Does it hold nothing of the map? */
  readonly unheld: boolean
}

/** What it wrote. Times are of the machine's monotonic clock; a write that failed has none. */
export interface AgeWriterLog {
  readonly name: string
  /** Of the write-once keys, by their index, when each was acknowledged. NaN: not known to be made. */
  readonly onceAckedAt: readonly number[]
  /** Of each rotating key its writes that were acknowledged. */
  readonly rotatingAcks: readonly (readonly { readonly n: number; readonly at: number }[])[]
  readonly failed: number
  readonly loop: LoopDelay
}

export const onceKey = (writer: string, index: number): string => `once.${writer}.${index}`
export const rotatingKey = (writer: string, index: number): string => `rotating.${writer}.${index}`

const TICK_MS = 5
const IN_FLIGHT = 400

/** Writes at an even rate, half of it to keys that are written once and half to keys that rotate, and notes what was acknowledged. */
export const ageWriter: Role<AgeWriterArgs, AgeWriterLog> = async (grid, { name, perSecond, rotating, unheld }, { signal, ready }) => {
  const map = grid.map<number>('truth', unheld ? { interest: 'none' } : {})
  await map.caughtUp({ deadlineMs: 20_000 })
  const onceAckedAt: number[] = []
  const rotatingAcks = Array.from({ length: rotating }, (): { n: number; at: number }[] => [])
  // A key whose last write is under way, or of unknown outcome, is left alone: else nobody could say which write came last.
  const blocked = new Set<number>()
  const underWay = new Set<Promise<void>>()
  let failed = 0
  let n = 0
  let next = 0
  const begin = (write: Promise<unknown>, acked: (at: number) => void): void => {
    const done: Promise<void> = write.then(
      () => acked(machineNow()),
      () => void (failed += 1),
    )
    underWay.add(done)
    void done.finally(() => underWay.delete(done))
  }
  const write = (): void => {
    n += 1
    if (n % 2 === 0) {
      const index = onceAckedAt.push(NaN) - 1
      begin(map.put(onceKey(name, index), n), (at) => (onceAckedAt[index] = at))
      return
    }
    for (let tries = 0; tries < rotating && blocked.has(next); tries++) next = (next + 1) % rotating
    if (blocked.has(next)) return
    const [index, written] = [next, n]
    next = (next + 1) % rotating
    blocked.add(index)
    begin(map.put(rotatingKey(name, index), written), (at) => {
      rotatingAcks[index]?.push({ n: written, at })
      blocked.delete(index)
    })
  }
  const loop = watchLoop()
  ready()
  const began = performance.now()
  let due = 0
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    const wanted = Math.floor(((performance.now() - began) / 1000) * perSecond)
    // What could not be written in time is not made up for.
    due = Math.max(due, wanted - perSecond)
    for (; due < wanted && underWay.size < IN_FLIGHT; due++) write()
  }
  await Promise.all(underWay)
  return { name, onceAckedAt, rotatingAcks, failed, loop: loop() }
}
