import type { Clock } from './clock.ts'
import { createCodec } from './codec.ts'
import type { GridBackend, GridDriver } from './driver.ts'
import { embedded } from './embedded.ts'
import { GridError, quote } from './errors.ts'
import type { Grid, GridMap, MapOptions } from './grid.ts'
import { Guests } from './guests.ts'
import type { GridHooks } from './hooks.ts'
import { ReplicatedMap, type MapContext } from './map.ts'
import { checkName, resolveGridOptions, resolveMapOptions } from './options.ts'
import type { GridOptions, ResolvedGridOptions, ResolvedMapOptions } from './options.ts'
import type { TraceSlot } from './trace.ts'

/** Opens a grid inside this process. Throws `GridError` BAD_OPTION. */
export async function openGrid(options?: GridOptions): Promise<Grid>
/** Opens a grid on a backend. */
export async function openGrid(backend: GridBackend, options?: GridOptions): Promise<Grid>
export async function openGrid(first: GridBackend | GridOptions = {}, second: GridOptions = {}): Promise<Grid> {
  const [backend, options] = isBackend(first) ? [first, second] : [embedded(), first]
  const resolved = resolveGridOptions(options)
  return new OpenGrid(resolved, await backend.open(resolved))
}

function isBackend(candidate: GridBackend | GridOptions): candidate is GridBackend {
  return typeof candidate === 'object' && candidate !== null && 'open' in candidate
}

class OpenGrid implements Grid {
  readonly id: string
  readonly clock: Clock
  readonly trace: TraceSlot = { current: undefined }
  readonly #driver: GridDriver
  readonly #guests = new Guests()
  readonly #context: MapContext
  readonly #maps = new Map<string, ReplicatedMap<unknown>>()
  #closing: Promise<void> | undefined

  constructor({ id, clock }: ResolvedGridOptions, driver: GridDriver) {
    this.id = id
    this.clock = clock
    this.#driver = driver
    this.#context = { id, clock, codec: createCodec(), guests: this.#guests, trace: this.trace, driver }
  }

  get mapNames(): readonly string[] {
    return [...this.#maps.keys()]
  }

  get guestErrors(): number {
    return this.#guests.errors
  }

  map<V>(name: string, options?: MapOptions<V>): GridMap<V> {
    this.#checkOpen()
    const known = this.#maps.get(checkName(name))
    if (known === undefined) return this.#openMap(name, resolveMapOptions(options ?? {}))
    if (options !== undefined) checkSame(name, resolveMapOptions(options as MapOptions<unknown>), known.options)
    return known as unknown as GridMap<V>
  }

  use(hooks: GridHooks): () => void {
    this.#checkOpen()
    return this.#guests.use(hooks)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #openMap<V>(name: string, options: ResolvedMapOptions<V>): GridMap<V> {
    const map = new ReplicatedMap<V>(name, options, this.#context)
    this.#maps.set(name, map as unknown as ReplicatedMap<unknown>)
    return map
  }

  async #close(): Promise<void> {
    for (const map of this.#maps.values()) map.close()
    await this.#driver.close()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new GridError('CLOSED', `grid ${quote(this.id)} was closed`)
  }
}

function checkSame<V>(name: string, asked: ResolvedMapOptions<V>, has: ResolvedMapOptions<V>): void {
  for (const option of ['ttlMs', 'schemaVersion', 'upgrade'] as const) {
    if (asked[option] === has[option]) continue
    throw new GridError('MAP_REOPENED', `map ${quote(name)} is open with ${option} ${quote(has[option])}, not ${quote(asked[option])}`)
  }
}
