import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { EffectOrigin } from '../durability/outbox.ts'

/** Effects of one activation, by the fence under which they were said. A number alone is of a version that did not note it. */
type Named = number | readonly [born: number, ...seqs: readonly number[]]

/** Of one sender: its newest fence, the effect from which on repeats may come, and those of them that were taken. */
export type SeenRow = readonly [agent: string, fence: number, from: Named, ...taken: readonly Named[]]

interface Seen {
  fence: number
  born: number
  from: number
  /** By the fence under which they were said. */
  readonly taken: Map<number, Set<number>>
}

/** Senders that are remembered; of more, those that were silent longest are forgotten (I6). */
const SENDERS = 10_000

/**
 * Tells repeats and zombies (I3). Whoever takes effects from agents, an arm as well as another agent, asks it first.
 * What it remembers of a sender is as much as may still be repeated: each effect says from which number on that is.
 */
export class SeenEffects {
  readonly #senders = new Map<string, Seen>()

  /** Throws `CoreError` BAD_OPTION if `rows` is not what `rows` of another one was. */
  constructor(rows: readonly SeenRow[] = []) {
    if (!Array.isArray(rows)) throw new CoreError('BAD_OPTION', `SeenEffects are given ${quote(rows)}: give the rows of others`)
    for (const row of rows as readonly unknown[])
      if (!isRow(row)) throw new CoreError('BAD_OPTION', `a row of SeenEffects is ${quote(row)}: give the rows of others`)
    for (const [agent, fence, first, ...named] of rows) {
      const [born, from = 0] = typeof first === 'number' ? [0, first] : first
      const taken = new Map<number, Set<number>>()
      for (const name of named) {
        const [of, ...seqs] = typeof name === 'number' ? [0, name] : name
        for (const seq of seqs) note(taken, of, seq)
      }
      this.#senders.set(agent, { fence, born, from, taken })
    }
  }

  /**
   * `new`: do it, it is remembered from now on. `repeat`: it was taken before. `stale`: its sender has been replaced. Throws `CoreError`
   * BAD_OPTION where there is no origin: the effect is of an agent that is not `gated`, and never comes again.
   */
  take(origin: EffectOrigin): 'new' | 'repeat' | 'stale' {
    if (typeof (origin as Partial<EffectOrigin> | undefined)?.agent !== 'string')
      throw new CoreError('BAD_OPTION', `the origin of an effect is ${quote(origin)}: ask only for those that have one`)
    const { agent, fence, born, seq, fromBorn, from } = origin
    const seen = this.#senders.get(agent) ?? { fence, born: fromBorn, from, taken: new Map<number, Set<number>>() }
    if (fence < seen.fence) return 'stale'
    seen.fence = fence
    if (fromBorn > seen.born || (fromBorn === seen.born && from > seen.from)) forgetBefore(seen, fromBorn, from)
    const known = born < seen.born || (born === seen.born && seq < seen.from) || seen.taken.get(born)?.has(seq) === true
    if (known) return 'repeat'
    note(seen.taken, born, seq)
    // The last one in the map is the one that spoke last.
    this.#senders.delete(agent)
    this.#senders.set(agent, seen)
    if (this.#senders.size > SENDERS) this.#forgetOldest()
    return 'new'
  }

  /** It was not taken after all. */
  untake({ agent, born, seq }: EffectOrigin): void {
    this.#senders.get(agent)?.taken.get(born)?.delete(seq)
  }

  #forgetOldest(): void {
    for (const agent of this.#senders.keys()) {
      this.#senders.delete(agent)
      return
    }
  }

  get size(): number {
    return this.#senders.size
  }

  /** What it remembers, to be stored. */
  get rows(): readonly SeenRow[] {
    return Array.from(this.#senders, ([agent, { fence, born, from, taken }]) => [
      agent,
      fence,
      [born, from],
      ...Array.from(taken, ([of, seqs]): Named => [of, ...seqs]),
    ])
  }
}

function isNamed(value: unknown): boolean {
  return typeof value === 'number' || (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'number'))
}

function isRow(row: unknown): row is SeenRow {
  if (!Array.isArray(row)) return false
  const [agent, fence, ...named] = row as readonly unknown[]
  return typeof agent === 'string' && typeof fence === 'number' && named.length > 0 && named.every(isNamed)
}

function note(taken: Seen['taken'], born: number, seq: number): void {
  const seqs = taken.get(born)
  if (seqs === undefined) taken.set(born, new Set([seq]))
  else seqs.add(seq)
}

function forgetBefore(seen: Seen, born: number, from: number): void {
  seen.born = born
  seen.from = from
  for (const [of, seqs] of seen.taken) {
    if (of < born) seen.taken.delete(of)
    else if (of === born) for (const seq of seqs) if (seq < from) seqs.delete(seq)
  }
}
