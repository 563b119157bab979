import { withDeadline } from '../store/deadline.ts'
import { isStoreError, type StoreError } from '../store/errors.ts'
import type { Clock } from '../time/clock.ts'

export interface WaitingOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Ends all waits with its reason. */
  readonly signal: AbortSignal
  /** Called when somebody begins to wait. */
  began(): void
}

/** Those who wait for something to become true, the first one first. */
export class Waiting {
  readonly #looks = new Set<() => void>()
  readonly #options: WaitingOptions

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#looks.size
  }

  /** Each looks again, until there is `enough`. */
  look(enough: () => boolean = () => false): void {
    for (const look of this.#looks) {
      if (enough()) return
      look()
    }
  }

  /** Resolves when the condition holds; it is asked at each {@link look}. Rejects with the signal's reason, or with `late()` after `timeoutMs`. */
  until(condition: () => boolean, late: () => StoreError): Promise<void> {
    const { clock, timeoutMs, signal, began } = this.#options
    let look = (): void => undefined
    const met = new Promise<void>((resolve, reject) => {
      look = () => {
        if (signal.aborted) reject(signal.reason)
        else if (condition()) {
          this.#looks.delete(look)
          resolve()
        }
      }
    })
    this.#looks.add(look)
    look()
    began()
    const waiting = withDeadline(met, clock, timeoutMs, 'writing behind').finally(() => this.#looks.delete(look))
    return waiting.catch((error: unknown) => {
      throw isStoreError(error, 'STORE_TIMEOUT') ? late() : error
    })
  }
}
