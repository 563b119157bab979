import type { Change, Entry } from '../map/entry.ts'
import type { Watch } from '../grid.ts'
import type { Guests } from '../guests.ts'
import type { NearCache } from '../map/near-cache.ts'
import type { ResolvedWatchOptions } from '../options.ts'
import { Watcher } from './watcher.ts'

/** Tells each change of one map to the hooks and to all watchers, in one order for all of them (I5). */
export class FanOut<V> {
  readonly #map: string
  readonly #guests: Guests
  readonly #near: Pick<NearCache<V>, 'peek' | 'entries'>
  readonly #watchers = new Set<Watcher<V>>()
  readonly #watchersOf = new Map<string, Set<Watcher<V>>>()
  readonly #endings = new Set<() => void>()
  readonly #untold: Change<V>[] = []
  #telling = false

  constructor(map: string, guests: Guests, near: Pick<NearCache<V>, 'peek' | 'entries'>) {
    this.#map = map
    this.#guests = guests
    this.#near = near
  }

  /** A hook or a `where` that writes comes back here while the first change is still being told: its change waits. */
  tell(change: Change<V>): void {
    if (this.#telling) {
      this.#untold.push(change)
      return
    }
    this.#telling = true
    try {
      this.#tellAll(change)
      for (const next of this.#untold) this.#tellAll(next)
    } finally {
      if (this.#untold.length > 0) this.#untold.length = 0
      this.#telling = false
    }
  }

  /** Is there anybody to tell? */
  get isHeard(): boolean {
    return this.#watchers.size > 0 || this.#watchersOf.size > 0 || this.#guests.present
  }

  watch(listener: (change: Change<V>) => void, options: ResolvedWatchOptions<V>): Watch {
    const onError = (error: unknown): void => this.#guests.listenerError(this.#map, error)
    const present = (): Iterable<Entry<V>> => this.#present(options.key)
    const watcher = new Watcher<V>({ ...options, listener, present, onError })
    const end = (): void => {
      watcher.close()
      this.#drop(watcher, options.key)
      this.#endings.delete(end)
      options.signal?.removeEventListener('abort', end)
    }
    this.#endings.add(end)
    if (options.signal?.aborted) end()
    else this.#start(watcher, options, present())
    options.signal?.addEventListener('abort', end)
    return { close: end, [Symbol.dispose]: end }
  }

  close(): void {
    for (const end of [...this.#endings]) end()
  }

  #tellAll(change: Change<V>): void {
    this.#guests.change(this.#map, change)
    for (const watcher of this.#watchers) watcher.tell(change)
    this.#tellKeyed(change)
  }

  #start(watcher: Watcher<V>, { initial, key }: ResolvedWatchOptions<V>, present: Iterable<Entry<V>>): void {
    if (initial) {
      for (const entry of present) watcher.tell(Object.freeze({ type: 'put', key: entry.key, entry, previous: undefined }))
    }
    if (key === undefined) {
      this.#watchers.add(watcher)
      return
    }
    const keyed = this.#watchersOf.get(key)
    if (keyed === undefined) this.#watchersOf.set(key, new Set([watcher]))
    else keyed.add(watcher)
  }

  #drop(watcher: Watcher<V>, key: string | undefined): void {
    if (key === undefined) {
      this.#watchers.delete(watcher)
      return
    }
    const keyed = this.#watchersOf.get(key)
    keyed?.delete(watcher)
    if (keyed?.size === 0) this.#watchersOf.delete(key)
  }

  #tellKeyed(change: Change<V>): void {
    if (this.#watchersOf.size === 0) return
    const keyed =
      change.type === 'resync' ? [...this.#watchersOf.values()].flatMap((watchers) => [...watchers]) : this.#watchersOf.get(change.key)
    if (keyed === undefined) return
    for (const watcher of keyed) watcher.tell(change)
  }

  #present(key: string | undefined): Iterable<Entry<V>> {
    if (key === undefined) return this.#near.entries()
    const entry = this.#near.peek(key)
    return entry === undefined ? [] : [entry]
  }
}
