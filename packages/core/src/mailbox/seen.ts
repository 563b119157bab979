import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { EffectOrigin } from '../durability/outbox.ts'

/** Of one sender: its newest fence, the number from which on repeats may come, and those of them that were taken. */
export type SeenRow = readonly [agent: string, fence: number, from: number, ...taken: readonly number[]]

interface Seen {
  fence: number
  from: number
  readonly taken: Set<number>
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
    for (const [agent, fence, from, ...taken] of rows) this.#senders.set(agent, { fence, from, taken: new Set(taken) })
  }

  /** `new`: do it, it is remembered from now on. `repeat`: it was taken before. `stale`: its sender has been replaced. */
  take({ agent, fence, seq, from }: EffectOrigin): 'new' | 'repeat' | 'stale' {
    const seen = this.#senders.get(agent) ?? { fence, from, taken: new Set() }
    if (fence < seen.fence) return 'stale'
    seen.fence = fence
    if (from > seen.from) {
      seen.from = from
      for (const old of seen.taken) if (old < from) seen.taken.delete(old)
    }
    if (seq < seen.from || seen.taken.has(seq)) return 'repeat'
    seen.taken.add(seq)
    // The last one in the map is the one that spoke last.
    this.#senders.delete(agent)
    this.#senders.set(agent, seen)
    if (this.#senders.size > SENDERS) this.#forgetOldest()
    return 'new'
  }

  /** It was not taken after all. */
  untake({ agent, seq }: EffectOrigin): void {
    this.#senders.get(agent)?.taken.delete(seq)
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
    return Array.from(this.#senders, ([agent, { fence, from, taken }]) => [agent, fence, from, ...taken])
  }
}
