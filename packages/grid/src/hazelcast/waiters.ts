import { GridError, quote } from '../errors.ts'

/** Callers that wait until a copy is complete as of some time. */
export class Waiters {
  readonly #map: string
  readonly #completeAtMs: () => number
  readonly #waiting = new Set<() => void>()
  #closed = false

  constructor(map: string, completeAtMs: () => number) {
    this.#map = map
    this.#completeAtMs = completeAtMs
  }

  until(atMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (this.#closed) reject(new GridError('CLOSED', `map ${quote(this.#map)}: its grid was closed`))
        else if (signal?.aborted === true) reject(signal.reason)
        else if (this.#completeAtMs() < atMs) return
        else resolve()
        this.#waiting.delete(check)
        signal?.removeEventListener('abort', check)
      }
      this.#waiting.add(check)
      signal?.addEventListener('abort', check)
      check()
    })
  }

  /** The copy may be complete as of later now. */
  wake(): void {
    if (this.#waiting.size > 0) for (const check of [...this.#waiting]) check()
  }

  close(): void {
    this.#closed = true
    this.wake()
  }
}
