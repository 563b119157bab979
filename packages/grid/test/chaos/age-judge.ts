import type { AgeReaderLog, AgeSample } from './roles/age-reader.ts'
import { onceKey, rotatingKey, type AgeWriterLog } from './roles/age-writer.ts'

/** A moment at which the copy said it was younger than it was. */
export interface AgeLie {
  readonly at: number
  readonly boundMs: number
  readonly staleMs: number
}

export interface AgeVerdict {
  readonly lies: readonly AgeLie[]
  /** Of each sample: the bound, and how long the oldest acknowledged write that it lacked had been acknowledged. */
  readonly judged: readonly { readonly at: number; readonly boundMs: number; readonly staleMs: number }[]
  /** Keys whose last value is not the last acknowledged one, or a later one. */
  readonly wrong: readonly string[]
}

/** Compares what a reader's copy said of its age with what the writers know. The writers are in the order the reader has them. */
export function judgeAges(writers: readonly AgeWriterLog[], { samples, last }: AgeReaderLog): AgeVerdict {
  const oldest = writers.map(oldestLacking)
  const judged = samples.map((sample) => {
    const lackedAt = Math.min(...oldest.map((find, at) => find(sample.writers[at] as AgeSample['writers'][number])))
    return { at: sample.at, boundMs: sample.ageMs, staleMs: Math.max(0, sample.at - lackedAt) }
  })
  return {
    lies: judged.filter(({ boundMs, staleMs }) => staleMs > boundMs),
    judged,
    wrong: writers.flatMap((writer) => wrongKeys(writer, last)),
  }
}

/** When the oldest write that the copy lacked was acknowledged; Infinity if it lacked none. */
function oldestLacking({ onceAckedAt, rotatingAcks }: AgeWriterLog): (seen: AgeSample['writers'][number]) => number {
  const onceAfter = earliestFrom(onceAckedAt)
  const keys = rotatingAcks.map((acks) => ({ acks, after: earliestFrom(acks.map(({ at }) => at)) }))
  return ({ high, missing, rotating }) => {
    const missed = missing.map((index) => onceAckedAt[index] ?? NaN).filter((at) => !Number.isNaN(at))
    const replaced = keys.map(({ acks, after }, index) => {
      const n = rotating[index] ?? 0
      return after[acks.findIndex((ack) => ack.n > n)] ?? Infinity
    })
    return Math.min(onceAfter[high + 1] ?? Infinity, ...missed, ...replaced)
  }
}

/** At each place the earliest of the times from there on. NaN is no time. */
function earliestFrom(times: readonly number[]): readonly number[] {
  const earliest = Array.from<number>({ length: times.length })
  let first = Infinity
  for (let at = times.length - 1; at >= 0; at--) {
    const time = times[at] as number
    if (time < first) first = time
    earliest[at] = first
  }
  return earliest
}

function wrongKeys({ name, onceAckedAt, rotatingAcks }: AgeWriterLog, last: ReadonlyMap<string, number>): readonly string[] {
  const once = onceAckedAt.flatMap((at, index) => (Number.isNaN(at) || last.has(onceKey(name, index)) ? [] : [onceKey(name, index)]))
  const rotating = rotatingAcks.flatMap((acks, index) => {
    const key = rotatingKey(name, index)
    return (last.get(key) ?? 0) >= (acks.at(-1)?.n ?? 0) ? [] : [key]
  })
  return [...once, ...rotating]
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}
