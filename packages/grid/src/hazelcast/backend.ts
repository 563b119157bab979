import type { Client, IMap } from 'hazelcast-client'
import { boundDriver } from '../bounded.ts'
import type { DriverContext, DriverFeed, DriverSupports, GridBackend, GridDriver, MapDriver, TopicDriver } from '../driver.ts'
import { GridError, quote } from '../errors.ts'
import { HybridClock } from '../time/hybrid-clock.ts'
import { createCodec } from '../map/codec.ts'
import { InFlight } from '../map/in-flight.ts'
import { HazelcastMap } from './hazelcast-map.ts'
import { Link } from './link.ts'
import { resolveHazelcastOptions, type HazelcastOptions, type ResolvedHazelcastOptions } from './options.ts'
import type { Announcement } from './own-writes.ts'
import { probe } from './manifest.ts'
import { Marks, readMark } from './marks.ts'
import { Pulse } from './pulse.ts'
import { HazelcastTopic } from './topic.ts'
import { UnheldMap } from './unheld-map.ts'

/** The map of beats: one entry per process. */
export const BEATS = 'stigmergy.beats'
const BEAT_TTL_MS = 60_000
const CLOSE_MS = 300

/**
 * A real Hazelcast cluster as the grid's memory: `openGrid(hazelcast({ clusterName, members }))`. Each map of the grid is the
 * IMap of that name, with string keys and bytes for values. What it promises is in docs/consistency.md. Throws `GridError`
 * BAD_OPTION; opening it throws CONNECT_FAILED.
 */
export function hazelcast(options: HazelcastOptions = {}): GridBackend {
  return createBackend(options, {})
}

/** Parts that tests put in the place of the right ones. */
export interface Plants {
  /** What beats say of a map, instead of what they should. */
  readonly announce?: (said: Announcement) => Announcement
}

/** The backend with a planted bug: a test that is to find it must be seen to. */
export function createBackend(options: HazelcastOptions, plants: Plants): GridBackend {
  const resolved = resolveHazelcastOptions(options)
  const { deadlineMs, maxInFlight } = resolved
  return {
    name: 'hazelcast',
    async open(context) {
      const inFlight = new InFlight({ deadlineMs, maxInFlight, clock: context.clock })
      const driver = new HazelcastDriver(resolved, context, inFlight, plants)
      await driver.open()
      return boundDriver(driver, inFlight, true)
    },
  }
}

class HazelcastDriver implements GridDriver {
  #supports: DriverSupports | undefined
  readonly #options: ResolvedHazelcastOptions
  readonly #context: DriverContext
  readonly #inFlight: InFlight
  readonly #plants: Plants
  readonly #link: Link
  readonly #pulse: Pulse
  readonly #marks: Marks
  readonly #hybrid: HybridClock
  readonly #codec = createCodec()
  readonly #maps = new Set<HazelcastMap | UnheldMap>()
  readonly #topics = new Set<HazelcastTopic>()
  #beats: IMap<string, string> | undefined
  #joining: Promise<void> | undefined
  #closed = false

  constructor(options: ResolvedHazelcastOptions, context: DriverContext, inFlight: InFlight, plants: Plants) {
    this.#options = options
    this.#inFlight = inFlight
    this.#plants = plants
    this.#context = context
    this.#hybrid = new HybridClock(context.clock)
    this.#pulse = new Pulse({
      session: context.session,
      clock: options.clock,
      stampClock: context.clock,
      beatMs: options.beatMs,
      silentMs: options.silentMs,
      marked: (map, schema) => this.#marks.see({ map, schema }),
      send: (beat) => this.#send(beat),
    })
    this.#marks = new Marks({ clock: options.clock, pulse: this.#pulse })
    this.#link = new Link(options, {
      up: (client, again) => again && void this.#up(client),
      down: () => this.#down(),
      members: () => this.#unsettle(),
      unread: () => this.#unsettle(),
    })
  }

  get supports(): DriverSupports {
    if (this.#supports !== undefined) return this.#supports
    throw new GridError('CLOSED', 'the grid is not open yet')
  }

  async open(): Promise<void> {
    await this.#link.open()
    this.#supports = await probe(this.#link.client, this.#options.clock)
    await this.#up(this.#link.client)
    // Then the clocks of the others are known, so that what they wrote before has its true age.
    await this.#joining
  }

  openMap(name: string, feed: DriverFeed): MapDriver {
    if (name === BEATS) throw new GridError('BAD_OPTION', `name of a map is ${quote(name)}: that one is the backend's own`)
    const { session, clock } = this.#context
    const context = {
      session,
      clock,
      hybrid: this.#hybrid,
      options: this.#options,
      link: this.#link,
      pulse: this.#pulse,
      inFlight: this.#inFlight,
      marks: this.#marks,
      codec: this.#codec,
      joined: () => this.#joining,
      ...this.#plants,
    }
    const imap = `${this.#options.prefix}${name}`
    const map = feed.unheld === true ? new UnheldMap(name, imap, feed, context) : new HazelcastMap(name, imap, feed, context)
    this.#maps.add(map)
    this.#pulse.add(map)
    if (this.#link.isUp) void map.attach(this.#link.client)
    return map
  }

  openTopic(name: string, receive: (message: Uint8Array) => void): TopicDriver {
    const { clock, prefix } = this.#options
    const topic = new HazelcastTopic({ name, ring: `${prefix}${name}`, clock, receive, client: () => this.#link.client })
    this.#topics.add(topic)
    if (this.#link.isUp) void topic.attach(this.#link.client)
    return topic
  }

  async close(): Promise<void> {
    const { clock } = this.#options
    this.#closed = true
    this.#marks.detach()
    this.#pulse.stop()
    let timer: unknown
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, CLOSE_MS)
    })
    if (this.#link.isUp) await Promise.race([this.#pulse.end(), late])
    await Promise.race([this.#link.close(), late])
    clock.clearTimeout(timer)
  }

  async #up(client: Client): Promise<void> {
    const joining = this.#join(client).finally(() => {
      if (this.#joining === joining) this.#joining = undefined
    })
    this.#joining = joining
    return joining
  }

  // Until that is done no write is sent: it would not know what others have said, nor would they know of it.
  async #join(client: Client): Promise<void> {
    while (this.#link.isUp && this.#link.client === client) {
      try {
        if (!(await this.#listen(client))) return
        for (const topic of this.#topics) void topic.attach(client)
        for (const map of this.#maps) void map.attach(client)
        return await this.#pulse.heard()
      } catch {
        await new Promise<void>((resolve) => this.#options.clock.setTimeout(resolve, 50))
      }
    }
  }

  /** False if the grid was closed meanwhile: a pulse that begins then would never end. */
  async #listen(client: Client): Promise<boolean> {
    const beats = await client.getMap<string, string>(`${this.#options.prefix}${BEATS}`)
    const hear = ({ key, value }: { key: string; value: string }): void => {
      if (this.#beats !== beats) return
      const mark = readMark(value)
      if (mark === undefined) this.#pulse.hear(key, value)
      else this.#marks.see(mark)
    }
    this.#beats = beats
    await beats.addEntryListener({ added: hear, updated: hear }, undefined, true)
    if (this.#closed) return false
    this.#pulse.start()
    for (const [session, text] of await beats.entrySet()) {
      const mark = readMark(text)
      if (mark === undefined) this.#pulse.found(session, text)
      else this.#marks.see(mark)
    }
    this.#marks.attach(beats)
    return true
  }

  /** Changes may have been missed. */
  #unsettle(): void {
    for (const map of this.#maps) map.membersChanged()
  }

  #down(): void {
    this.#beats = undefined
    this.#marks.detach()
    this.#pulse.stop()
    for (const map of this.#maps) map.detach()
    for (const topic of this.#topics) topic.detach()
  }

  async #send(beat: string): Promise<void> {
    await this.#beats?.set(this.#context.session, beat, BEAT_TTL_MS)
  }
}
