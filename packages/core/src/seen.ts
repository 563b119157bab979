import type { EffectOrigin } from './outbox.ts'

/** Of each sender the newest effect: its fence and its seq. */
export type SeenRow = readonly [agent: string, fence: number, seq: number]

/** Senders that are remembered; of more, those that were silent longest are forgotten (I6). */
const SENDERS = 10_000

/**
 * Tells repeats and zombies (I3): of each sender it remembers the newest effect it was given. Whoever takes effects from agents, an arm
 * as well as another agent, asks it first. Effects of one sender come in order, so that what is older has been here, or is of a
 * sender that another activation has replaced.
 */
export class SeenEffects {
  readonly #newest = new Map<string, { readonly fence: number; readonly seq: number }>()

  constructor(rows: readonly SeenRow[] = []) {
    for (const [agent, fence, seq] of rows) this.#newest.set(agent, { fence, seq })
  }

  /** `new`: do it, it is remembered from now on. `repeat`: it was done before. `stale`: its sender has been replaced. */
  take({ agent, fence, seq }: EffectOrigin): 'new' | 'repeat' | 'stale' {
    const newest = this.#newest.get(agent)
    if (newest !== undefined && fence < newest.fence) return 'stale'
    if (newest !== undefined && fence === newest.fence && seq <= newest.seq) return 'repeat'
    // The last one in the map is the one that spoke last.
    this.#newest.delete(agent)
    this.#newest.set(agent, { fence, seq })
    if (this.#newest.size > SENDERS) for (const [oldest] of this.#newest) return this.#forget(oldest)
    return 'new'
  }

  #forget(agent: string): 'new' {
    this.#newest.delete(agent)
    return 'new'
  }

  get size(): number {
    return this.#newest.size
  }

  /** What it remembers, to be stored. */
  get rows(): readonly SeenRow[] {
    return Array.from(this.#newest, ([agent, { fence, seq }]) => [agent, fence, seq])
  }
}
