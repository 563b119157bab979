import { AgeWatch } from './age-watch.ts'
import type { Clock } from '../time/clock.ts'
import type { AgeEvent, AgeOptions, Watch } from '../grid.ts'
import type { Guests } from '../guests.ts'
import type { SourceAges } from './source-ages.ts'

/** The two ages of one map (I4). */
export interface AgedMap {
  readonly name: string
  ageMs(): number
  sourceAgeMs(key: string): number
}

/** The age watches of one map. */
export class AgeWatches {
  readonly #map: AgedMap
  readonly #sources: SourceAges
  readonly #context: { readonly clock: Clock; readonly guests: Guests }
  readonly #endings = new Set<() => void>()

  constructor(map: AgedMap, sources: SourceAges, context: { readonly clock: Clock; readonly guests: Guests }) {
    this.#map = map
    this.#sources = sources
    this.#context = context
  }

  watch({ maxAgeMs, source, signal }: AgeOptions, listener: (event: AgeEvent, ageMs: number) => void): Watch {
    const map = this.#map
    const { clock, guests } = this.#context
    const ageMs = source === undefined ? () => map.ageMs() : () => map.sourceAgeMs(source)
    const onError = (error: unknown): void => guests.listenerError(map.name, error)
    const watch = new AgeWatch({ maxAgeMs, clock, ageMs, replicaAgeMs: () => map.ageMs(), listener, onError })
    const deafen = source === undefined ? () => {} : this.#sources.listen(source, (beforeMs) => watch.heard(beforeMs))
    const end = (): void => {
      watch.close()
      deafen()
      this.#endings.delete(end)
      signal?.removeEventListener('abort', end)
    }
    this.#endings.add(end)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
    return { close: end, [Symbol.dispose]: end }
  }

  close(): void {
    for (const end of [...this.#endings]) end()
  }
}
