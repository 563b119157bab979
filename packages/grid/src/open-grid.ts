import type { Clock } from './time/clock.ts'
import { createCodec } from './map/codec.ts'
import type { DriverSupports, GridBackend, GridDriver, TopicDriver } from './driver.ts'
import { embedded } from './embedded/embedded.ts'
import { GridError, quote } from './errors.ts'
import type { Grid, GridMap, MapOptions } from './grid.ts'
import { Guests } from './guests.ts'
import type { GridHooks } from './hooks.ts'
import { HybridClock } from './time/hybrid-clock.ts'
import { checkSame, resolveMapOptions, type ResolvedMapOptions } from './map/map-options.ts'
import type { MapContext } from './map/map-context.ts'
import { ReplicatedMap } from './map/map.ts'
import { OpenTopic } from './feed/open-topic.ts'
import { checkName, resolveGridOptions } from './options.ts'
import type { GridOptions, ResolvedGridOptions } from './options.ts'
import type { GridStats } from './map/stats.ts'
import type { Topic } from './feed/topic.ts'
import type { TraceSlot } from './map/trace.ts'

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
  return typeof candidate === 'object' && candidate !== null && typeof (candidate as Partial<GridBackend>).open === 'function'
}

class OpenGrid implements Grid {
  readonly id: string
  readonly clock: Clock
  readonly trace: TraceSlot = { current: undefined }
  readonly #driver: GridDriver
  readonly #guests = new Guests()
  readonly #context: MapContext
  readonly #maps = new Map<string, ReplicatedMap<unknown>>()
  readonly #topics = new Map<string, OpenTopic<unknown>>()
  #closing: Promise<void> | undefined

  constructor({ id, clock, session }: ResolvedGridOptions, driver: GridDriver) {
    this.id = id
    this.clock = clock
    this.#driver = driver
    const shared = { codec: createCodec(), hybrid: new HybridClock(clock), guests: this.#guests }
    this.#context = { id, session, clock, ...shared, trace: this.trace, driver }
  }

  get supports(): DriverSupports {
    return this.#driver.supports
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
    if (known === undefined) return this.#openMap(name, resolveMapOptions(options === undefined ? {} : options))
    if (options !== undefined) checkSame(name, resolveMapOptions(options as MapOptions<unknown>), known.options)
    return known as unknown as GridMap<V>
  }

  topic<T>(name: string): Topic<T> {
    this.#checkOpen()
    const known = this.#topics.get(checkName(name, 'topic'))
    return (known ?? this.#openTopic(name)) as unknown as Topic<T>
  }

  stats(): GridStats {
    this.#checkOpen()
    const maps = Array.from(this.#maps.values(), ({ stats }) => stats)
    const topics = Array.from(this.#topics.values(), ({ stats }) => stats)
    return { maps, topics, guestErrors: this.guestErrors }
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

  #openTopic(name: string): OpenTopic<unknown> {
    const { driver } = this.#context
    if (driver.openTopic === undefined) throw new GridError('UNSUPPORTED', 'this backend has no topics')
    const topic = new OpenTopic<unknown>(name, this.#context, (receive) => driver.openTopic?.(name, receive) as TopicDriver)
    this.#topics.set(name, topic)
    return topic
  }

  async #close(): Promise<void> {
    for (const topic of this.#topics.values()) topic.close()
    for (const map of this.#maps.values()) map.close()
    await this.#driver.close()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new GridError('CLOSED', `grid ${quote(this.id)} was closed`)
  }
}
