import type { Changes } from './changes.ts'
import type { Completeness } from './completeness.ts'
import type { Copy } from './copy.ts'
import type { Announcement, OwnWrites } from './own-writes.ts'

export interface RepairsOptions {
  readonly session: string
  readonly own: OwnWrites
  readonly changes: Pick<Changes, 'done'>
  readonly completeness: Completeness
  readonly copy: Pick<Copy, 'readKeys' | 'load'>
}

/** A gap is asked about again after so long. */
const AGAIN_MS = 100

/**
 * What is done about numbers that are missing: their writer is asked for their keys, and these are read. A writer that answers no
 * more is no hindrance: a copy that grows old reads the whole map.
 */
export class Repairs {
  readonly #options: RepairsOptions
  /** Being read. */
  readonly #reading = new Set<string>()

  constructor(options: RepairsOptions) {
    this.#options = options
  }

  /** Gives the numbers to ask for, by session. */
  tick(nowMs: number): ReadonlyMap<string, readonly number[]> {
    const { completeness, session, own, changes } = this.#options
    const asking = new Map<string, readonly number[]>()
    // Until then there is nothing to repair: the first load brings it all.
    if (!completeness.isLoaded) return asking
    for (const gap of completeness.gaps(nowMs, AGAIN_MS)) {
      if (gap.many) void this.#load()
      else if (gap.session !== session) asking.set(gap.session, gap.numbers)
      else {
        // Its own keys it knows; of what is under way there is nothing to read yet.
        const named = gap.numbers.flatMap((number) => {
          const key = own.keyOf(number)
          return key === undefined ? [] : [[number, key] as const]
        })
        for (const number of gap.numbers) if (own.isVoid(number)) changes.done(session, number)
        void this.#read(session, named)
      }
    }
    return asking
  }

  /** A writer has named the keys of some numbers. */
  named(session: string, { named, floor, n }: Announcement): void {
    const { completeness } = this.#options
    if (!completeness.isLoaded) return
    if (floor > 0 && n > 0 && completeness.lowOf(session) < floor) void this.#load()
    if (named.length === 0) return
    const missing = named.filter(([number]) => !completeness.isApplied(session, number) && !this.#reading.has(`${session} ${number}`))
    void this.#read(session, missing)
  }

  /** It writes no more: once all it wrote is here, nobody waits for it. */
  ended(session: string, how: 'closed' | 'silent'): void {
    const { completeness } = this.#options
    if (!completeness.has(session)) return
    if (how === 'closed' && completeness.isProved(session)) completeness.retire(session)
    else void this.#load().then((read) => read && completeness.retire(session))
  }

  #load(): Promise<boolean> {
    return this.#options.copy.load().then(
      () => true,
      () => false,
    )
  }

  async #read(session: string, named: readonly (readonly [number: number, key: string])[]): Promise<void> {
    if (named.length === 0) return
    const { copy, changes, completeness } = this.#options
    for (const [number] of named) this.#reading.add(`${session} ${number}`)
    try {
      await copy.readKeys([...new Set(named.map(([, key]) => key))])
      for (const [number] of named) if (!completeness.isApplied(session, number)) changes.done(session, number)
    } catch {
      // Asked again by a later tick.
    } finally {
      for (const [number] of named) this.#reading.delete(`${session} ${number}`)
    }
  }
}
