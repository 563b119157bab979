import type { ResolvedGateOptions } from './gate-options.ts'

/** A time in which the store takes no state. */
export class Outage {
  #sinceMs: number | undefined

  /** The store has failed once more. True: it is gone for so long that what waits for it may leave uncommitted. */
  goesOn(nowMs: number, { whenStoreGone, goneAfterMs }: Pick<ResolvedGateOptions, 'whenStoreGone' | 'goneAfterMs'>): boolean {
    this.#sinceMs ??= nowMs
    return whenStoreGone === 'degrade' && nowMs - this.#sinceMs >= goneAfterMs
  }

  ends(): void {
    this.#sinceMs = undefined
  }
}
