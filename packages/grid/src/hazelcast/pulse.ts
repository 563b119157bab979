import type { Clock, TimerHandle } from '../time/clock.ts'
import { packBeat, readBeat, type Beat } from './beat.ts'
import type { Claim } from './completeness.ts'
import type { Mark } from './marks.ts'
import type { Echo } from './overtaken.ts'
import type { Announcement } from './own-writes.ts'
import { Peers } from './peers.ts'

/** A map, as far as beats go. */
export interface PulseMap {
  readonly name: string
  /** What is known of it. */
  readonly mark: Pick<Mark, 'highest'>
  announce(): Announcement | undefined
  /** What the writer of a beat says of this map. */
  heard(session: string, said: Announcement | undefined, claim: Omit<Claim, 'n'>): void
  /** A reader misses these numbers of ours. */
  asked(numbers: readonly number[], beat: number): void
  heardByAll(beat: number): void
  /** Looks after what is missing. Gives what it has to ask of others. */
  tick(nowMs: number): ReadonlyMap<string, readonly number[]>
  /** The session writes no more. */
  ended(session: string, how: 'closed' | 'silent'): void
}

export interface PulseOptions {
  readonly session: string
  /** Real time. */
  readonly clock: Clock
  /** The clock that stamps entries. */
  readonly stampClock: Clock
  readonly beatMs: number
  readonly silentMs: number
  /** A beat says that a map may hold values of that schema. */
  readonly marked: (map: string, schema: number) => void
  /** Resolves when the grid has it. */
  readonly send: (beat: string) => Promise<void>
}

const UNANSWERED = 4
const REMEMBERED = 4096
/** With each beat: half of it is forgotten after seventy. */
const ECHO_FADES = 0.99

/**
 * The heartbeat of one grid, which proves how complete the copies of the others are (DESIGN section 4). One beat per process and
 * not per map: it says all that has to be said of each map. It travels as the changes do, by an entry listener.
 */
export class Pulse {
  readonly peers: Peers
  readonly #options: PulseOptions
  readonly #maps = new Map<string, PulseMap>()
  /** When each of the last beats was sent, in real time and on the clock that stamps. */
  readonly #sentAt = new Map<number, { readonly atMs: number; readonly stampMs: number }>()
  #wants = new Map<string, Map<string, readonly number[]>>()
  #id = 0
  #dueMs = -Infinity
  #unanswered = 0
  #echo: Echo = { sentAtMs: -Infinity, tookMs: 0 }
  #timer: TimerHandle | undefined
  #running = false
  #silence: (() => void)[] = []

  constructor(options: PulseOptions) {
    this.#options = options
    this.peers = new Peers(options.silentMs)
  }

  get echo(): Echo {
    return this.#echo
  }

  /** The beat that will be sent next. */
  get next(): number {
    return this.#id + 1
  }

  add(map: PulseMap): void {
    this.#maps.set(map.name, map)
    const nowMs = this.#options.clock.now()
    for (const { session, beat } of this.peers.all) map.heard(session, beat?.maps.get(map.name), { echoOfMs: undefined, heardAtMs: nowMs })
  }

  remove(map: PulseMap): void {
    this.#maps.delete(map.name)
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#unanswered = 0
    this.#tick()
  }

  stop(): void {
    this.#running = false
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** The last beat. */
  async end(): Promise<void> {
    this.stop()
    await this.#send(true)
  }

  /** Someone had sent this beat before this process listened: whether it still does has to be heard. */
  found(session: string, text: unknown): void {
    const beat = readBeat(text)
    if (beat === undefined || beat.end || this.peers.get(session) !== undefined) return
    const nowMs = this.#options.clock.now()
    this.peers.found(session, nowMs)
    for (const map of this.#maps.values()) map.heard(session, beat.maps.get(map.name), { echoOfMs: undefined, heardAtMs: nowMs })
  }

  /** Someone's beat arrived. */
  hear(session: string, text: unknown): void {
    const beat = readBeat(text)
    if (beat === undefined) return
    const { clock, stampClock } = this.#options
    const nowMs = clock.now()
    const own = this.#options.session
    const echo = session === own ? beat.id : beat.saw.get(own)
    const echoOf = echo === undefined ? undefined : this.#sentAt.get(echo)
    if (!this.peers.heard(session, beat, nowMs, stampClock.now(), echoOf?.stampMs)) return
    if (session === own && echoOf !== undefined) {
      this.#echo = { sentAtMs: echoOf.atMs, tookMs: Math.max(nowMs - echoOf.atMs, ECHO_FADES * this.#echo.tookMs) }
    }
    for (const [map, schema] of beat.schemas) this.#options.marked(map, schema)
    const claim = { echoOfMs: echoOf?.atMs, heardAtMs: nowMs }
    for (const map of this.#maps.values()) {
      map.heard(session, beat.maps.get(map.name), claim)
      const wanted = beat.wants.get(own)?.get(map.name)
      if (wanted !== undefined) map.asked(wanted, this.next)
    }
    if (beat.end) this.#forget(session, 'closed')
    this.#heardByAll()
  }

  /** Resolves when everybody known has heard that beat of ours, or after a while. */
  async heard(beat = 1): Promise<void> {
    const { clock, session, silentMs } = this.#options
    const untilMs = clock.now() + Math.min(silentMs, 250)
    while (this.#running && this.peers.heardByAll(session) < beat && clock.now() < untilMs) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, untilMs - clock.now())
        this.#silence.push(() => {
          clock.clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #tick(): void {
    const { clock, beatMs } = this.#options
    this.#timer = undefined
    if (!this.#running) return
    const nowMs = clock.now()
    for (const session of this.peers.silent(nowMs)) if (session !== this.#options.session) this.#forget(session, 'silent')
    this.#wants = new Map()
    for (const map of this.#maps.values()) {
      for (const [session, numbers] of map.tick(nowMs)) {
        const wanted = this.#wants.get(session) ?? new Map<string, readonly number[]>()
        this.#wants.set(session, wanted.set(map.name, numbers))
      }
    }
    // A cluster that does not answer is not sent more and more of them.
    if (this.#unanswered < UNANSWERED) void this.#send(false)
    // At an even rate, though timers come late: the age is made of these pauses. What a stalled loop has missed is not made up for.
    this.#dueMs = this.#dueMs + beatMs > nowMs ? this.#dueMs + beatMs : nowMs + beatMs
    this.#timer = clock.setTimeout(() => this.#tick(), Math.max(1, this.#dueMs - clock.now()))
  }

  async #send(end: boolean): Promise<void> {
    const { clock, stampClock } = this.#options
    const id = ++this.#id
    const maps = new Map<string, Announcement>()
    const schemas = new Map<string, number>()
    for (const map of this.#maps.values()) {
      if (map.mark.highest > 1) schemas.set(map.name, map.mark.highest)
      const said = map.announce()
      if (said !== undefined) maps.set(map.name, said)
    }
    const beat: Beat = { id, stampMs: stampClock.now(), saw: this.peers.saw(), maps, wants: this.#wants, schemas, end }
    this.#sentAt.set(id, { atMs: clock.now(), stampMs: beat.stampMs })
    this.#sentAt.delete(id - REMEMBERED)
    this.#unanswered++
    try {
      await this.#options.send(packBeat(beat))
    } catch {
      // Not heard: the age grows, which is what it is for.
    } finally {
      this.#unanswered--
    }
  }

  #forget(session: string, how: 'closed' | 'silent'): void {
    this.peers.forget(session)
    for (const map of this.#maps.values()) map.ended(session, how)
  }

  #heardByAll(): void {
    const beat = this.peers.heardByAll(this.#options.session)
    for (const map of this.#maps.values()) map.heardByAll(beat)
    for (const wake of this.#silence.splice(0)) wake()
  }
}
