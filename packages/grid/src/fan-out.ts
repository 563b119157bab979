import type { Change, Entry } from './entry.ts'
import type { Watch } from './grid.ts'
import type { Guests } from './guests.ts'
import type { ResolvedWatchOptions } from './options.ts'
import { Watcher } from './watcher.ts'

/** Tells each change of one map to the hooks and to all watchers, in one order for all of them (I5). */
export class FanOut<V> {
  readonly #map: string
  readonly #guests: Guests
  readonly #present: () => Iterable<Entry<V>>
  readonly #watchers = new Set<Watcher<V>>()
  readonly #endings = new Set<() => void>()
  #untold: Change<V>[] = []

  constructor(map: string, guests: Guests, present: () => Iterable<Entry<V>>) {
    this.#map = map
    this.#guests = guests
    this.#present = present
  }

  /** A hook or a `where` that writes comes back here while the first change is still being told: its change waits. */
  tell(change: Change<V>): void {
    this.#untold.push(change)
    if (this.#untold.length > 1) return
    try {
      for (const next of this.#untold) {
        this.#guests.change(this.#map, next)
        for (const watcher of this.#watchers) watcher.tell(next)
      }
    } finally {
      this.#untold = []
    }
  }

  watch(listener: (change: Change<V>) => void, options: ResolvedWatchOptions<V>): Watch {
    const onError = (error: unknown): void => this.#guests.listenerError(this.#map, error)
    const watcher = new Watcher<V>({ ...options, listener, present: this.#present, onError })
    const end = (): void => {
      watcher.close()
      this.#watchers.delete(watcher)
      this.#endings.delete(end)
      options.signal?.removeEventListener('abort', end)
    }
    this.#endings.add(end)
    if (options.signal?.aborted) end()
    else this.#start(watcher, options)
    options.signal?.addEventListener('abort', end)
    return { close: end, [Symbol.dispose]: end }
  }

  close(): void {
    for (const end of [...this.#endings]) end()
  }

  #start(watcher: Watcher<V>, { initial }: ResolvedWatchOptions<V>): void {
    if (initial) {
      for (const entry of this.#present()) watcher.tell(Object.freeze({ type: 'put', key: entry.key, entry, previous: undefined }))
    }
    this.#watchers.add(watcher)
  }
}
