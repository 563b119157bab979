import type { Clock } from '../time/clock.ts'
import { hasVersion, readFrame } from './frame.ts'
import { inTurns } from './in-turns.ts'
import type { Known, KnownKeys } from './known-keys.ts'

export interface OvertakenOptions {
  /** Real time. */
  readonly clock: Clock
  readonly known: KnownKeys
  readonly isLive: (known: Known) => boolean
  /** Beats of this process come back to it as changes do. */
  readonly echo: () => Echo
}

/** How beats of this process come back to it. */
export interface Echo {
  /** Local time at which the newest one was sent that has come back. */
  readonly sentAtMs: number
  /** The longest that one was on its way lately. */
  readonly tookMs: number
}

export interface ReadScope {
  /** What had been learnt when the read began. */
  readonly since: number
  /** What was not found is not there. */
  readonly whole: boolean
}

type Entries = Iterable<readonly [key: string, stored: Buffer | null]>

const LOOK_MS = 5
/** What has not come so long after it was read is lost, if beats still come; */
const GRACE_MS = 30
/** but where beats are slow, changes may be as well; */
const TIMES_A_BEAT = 8
/** and so long after it is lost in any case. */
const LONGEST_MS = 500

/**
 * An answer of the owner may overtake the changes that lead to it: they come by other threads of the member, or from another one.
 * What was read and not told yet is therefore no proof that a change was lost. Its changes are waited for, and only what stays
 * away is a gap (I5). A read held back for them is no different from one that took longer: the age grows meanwhile (I4).
 */
export class Overtaken {
  readonly #options: OvertakenOptions

  constructor(options: OvertakenOptions) {
    this.#options = options
  }

  /**
   * Resolves when nothing of what was read is ahead of the changes any more, or they are lost: with true then. `hurry`: a resync is
   * told in any case.
   */
  async come(entries: Entries, scope: ReadScope, hurry: () => boolean): Promise<boolean> {
    const { clock } = this.#options
    const readAtMs = clock.now()
    let ahead = await this.#ahead(entries, scope)
    while (ahead.length > 0 && !hurry()) {
      if (this.#isLost(readAtMs)) return true
      await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS))
      ahead = ahead.filter(([key, stored]) => this.#isAhead(key, stored, scope.since))
    }
    return false
  }

  #isLost(readAtMs: number): boolean {
    const heldMs = this.#options.clock.now() - readAtMs
    const { sentAtMs, tookMs } = this.#options.echo()
    return heldMs >= LONGEST_MS || (sentAtMs >= readAtMs && heldMs >= Math.max(GRACE_MS, TIMES_A_BEAT * tookMs))
  }

  async #ahead(entries: Entries, { since, whole }: ReadScope): Promise<(readonly [key: string, stored: Buffer | null])[]> {
    const ahead: (readonly [string, Buffer | null])[] = []
    const seen = new Set<string>()
    await inTurns(entries, (entry) => {
      if (whole) seen.add(entry[0])
      if (this.#isAhead(entry[0], entry[1], since)) ahead.push(entry)
    })
    if (!whole) return ahead
    await inTurns(this.#options.known.entries(), ([key]) => {
      if (!seen.has(key) && this.#isAhead(key, null, since)) ahead.push([key, null])
    })
    return ahead
  }

  #isAhead(key: string, stored: Buffer | null, since: number): boolean {
    const { known, isLive } = this.#options
    const has = known.get(key)
    if (stored === null) return has !== undefined && has.seq <= since && isLive(has)
    if (has !== undefined && hasVersion(stored, has.version)) return false
    // Of bytes that no grid wrote nothing can be said.
    const version = readFrame(stored)?.version ?? 0
    return version > (has?.version ?? 0) && !known.isGone(key, version)
  }
}
