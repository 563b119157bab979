/** Addresses that are remembered, at most (I6). */
const MOST_SCRAPERS = 16

/**
 * Who scrapes, and the wait for each of them to look once more: what a pull does not see before the end is never seen. Who has not come for
 * `withinMs` does not come any more. Two on one machine, or behind one address, are told apart by their connections, which Prometheus keeps
 * open; who opens one for each scrape is known by its address.
 */
export class LastScrape {
  readonly #withinMs: number
  readonly #now: () => number
  /** When each of them asked for what it was last given, by its connection; where that is closed, by its address. */
  readonly #askedAtMs = new Map<object | string, number>()
  #seen: (() => void) | undefined

  /** `now`: monotonic ms of real time, as scrapers come by it. */
  constructor(withinMs: number, now: () => number) {
    this.#withinMs = withinMs
    this.#now = now
  }

  /** It has all that it asked for at that time, on that connection. */
  answered(connection: object, address: string, askedAtMs: number): void {
    // Whose connection was closed has come back on this one.
    if (!this.#askedAtMs.has(connection)) this.#askedAtMs.delete(address)
    this.#keep(connection, askedAtMs)
    this.#seen?.()
  }

  /** The connection is closed; who was there may come back on another one. */
  closed(connection: object, address: string): void {
    const askedAtMs = this.#askedAtMs.get(connection)
    if (askedAtMs === undefined) return
    this.#askedAtMs.delete(connection)
    this.#keep(address, askedAtMs)
  }

  #keep(scraper: object | string, askedAtMs: number): void {
    this.#askedAtMs.delete(scraper)
    this.#askedAtMs.set(scraper, askedAtMs)
    if (this.#askedAtMs.size > MOST_SCRAPERS) for (const oldest of this.#askedAtMs.keys()) if (this.#askedAtMs.delete(oldest)) break
  }

  /** Until each that scraped of late has been answered again; for each at most `withinMs` from its last time on (I8). */
  async again(): Promise<void> {
    const fromMs = this.#now()
    const waitsMs = (): number => {
      const late = [...this.#askedAtMs.values()].filter((atMs) => atMs < fromMs)
      return Math.max(0, ...late.map((atMs) => atMs + this.#withinMs - this.#now()))
    }
    while (waitsMs() > 0) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#seen = resolve
        timer = setTimeout(resolve, Math.ceil(waitsMs()))
      })
      clearTimeout(timer)
    }
    this.#seen = undefined
  }
}
