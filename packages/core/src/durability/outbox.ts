import type { Clock, TimerHandle, TraceContext } from '@stigmergy/grid'
import type { AgentEvent } from '../mailbox/envelope.ts'

/** An effect as data. */
export type EffectData =
  | { readonly kind: 'send'; readonly to: string; readonly event: AgentEvent }
  | { readonly kind: 'put'; readonly map: string; readonly key: string; readonly value: unknown }
  | { readonly kind: 'command'; readonly actuator: string; readonly payload: unknown }

/** Who causes an effect, and by which right (I3). {@link SeenEffects} tells repeats and zombies by it. */
export interface EffectOrigin {
  readonly agent: string
  /** Of the activation that sends it: a smaller one than was seen before is of one that has been replaced. */
  readonly fence: number
  /** The effect's own number, the same when it is repeated. Grows for ever. */
  readonly seq: number
  /** All effects to this receiver with a smaller number are done: they will not be repeated. */
  readonly from: number
}

/** An effect that is kept until it is done. */
export interface OutboxEntry {
  readonly seq: number
  readonly effect: EffectData
  readonly trace: TraceContext | undefined
}

/** `done`; `lost` for good, and told as a dead letter; `later`: it is tried again. */
export type Attempt = 'done' | 'lost' | 'later'

/** What does the effects. Nothing of it throws. */
export interface Doer {
  /** `accepted`: `ended` is told once how it ended. */
  send(
    effect: EffectData & { readonly kind: 'send' },
    origin: EffectOrigin,
    trace: TraceContext | undefined,
    ended: (attempt: Attempt) => void,
  ): 'accepted' | 'later' | 'lost'
  /** A write or a command. */
  act(effect: EffectData, origin: EffectOrigin, trace: TraceContext | undefined): Promise<Attempt>
  /** Once, for an agent that is not `gated`: what cannot be done is a dead letter. */
  once(effect: EffectData, trace: TraceContext | undefined): void
  /** Tried for too long: makes a dead letter of it. */
  lost(effect: EffectData, trace: TraceContext | undefined): void
}

export interface OutboxOptions {
  readonly agent: string
  readonly clock: Clock
  readonly doer: Doer
  /** How long one effect is tried. */
  readonly giveUpMs: number
  /** From so many on what is done is stored at once: somebody may wait for room. */
  readonly crowd: number
  /** Something is done: the stored state need not speak of it any more. */
  changed(): void
}

const RETRY_MIN_MS = 10
const RETRY_MAX_MS = 1000
/** How long what is done may still stand in the store as undone: there is no haste, its receiver knows it if it comes again. */
const TIDY_MS = 20

interface Waiting {
  readonly entry: OutboxEntry
  /** Until when it is tried; set by the first try. */
  untilMs: number | undefined
}

/** Effects to one receiver, in order. */
interface Lane {
  readonly name: string
  /** All that is not done. */
  readonly pending: Set<OutboxEntry>
  /** What is to be tried. */
  readonly waiting: Waiting[]
  busy: boolean
}

/** The effects of an agent that are data: kept until they are done, begun in order per receiver. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #pauses = new Map<TimerHandle, () => void>()
  /** All that is not done. They come in order, so they stand in order. */
  readonly #entries = new Set<OutboxEntry>()
  #seq = 0
  #fence = 0
  #untidy: TimerHandle | undefined
  #closed = false

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** What is not done, in order, to be stored. */
  take(): readonly OutboxEntry[] {
    this.#tidied()
    return [...this.#entries]
  }

  get size(): number {
    return this.#entries.size
  }

  /** The number of the newest one. */
  get seq(): number {
    return this.#seq
  }

  /** Goes on where an earlier activation ended; each entry is then released. `fence`: of this activation. */
  restore(entries: readonly OutboxEntry[], seq: number, fence: number): void {
    this.#fence = fence
    this.#seq = seq
    for (const entry of entries) this.#keep(entry)
  }

  /** A new one. It is done once it is released. */
  add(effect: EffectData, trace: TraceContext | undefined): OutboxEntry {
    this.#seq += 1
    const entry = { seq: this.#seq, effect, trace }
    this.#keep(entry)
    return entry
  }

  #keep(entry: OutboxEntry): void {
    this.#laneOf(entry).pending.add(entry)
    this.#entries.add(entry)
  }

  #laneOf({ effect }: OutboxEntry): Lane {
    const name = nameOf(effect)
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { name, pending: new Set(), waiting: [], busy: false }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  /** It is done, or was never committed. False if that is known. */
  remove(entry: OutboxEntry): boolean {
    const lane = this.#laneOf(entry)
    const known = lane.pending.delete(entry)
    this.#entries.delete(entry)
    if (lane.pending.size === 0) this.#lanes.delete(lane.name)
    return known
  }

  /** It is committed, so it may be done. */
  release(entry: OutboxEntry): void {
    const lane = this.#laneOf(entry)
    if (!lane.pending.has(entry) || this.#closed) return
    lane.waiting.push({ entry, untilMs: undefined })
    if (!lane.busy) void this.#work(lane)
  }

  async #work(lane: Lane): Promise<void> {
    const { clock, doer, giveUpMs } = this.#options
    lane.busy = true
    let pauseMs = RETRY_MIN_MS
    // The first one is looked at anew each time: an older one may have come back.
    for (let first = lane.waiting[0]; first !== undefined && !this.#closed; first = lane.waiting[0]) {
      const { entry } = first
      first.untilMs ??= clock.now() + giveUpMs
      const tried = this.#try(entry, lane)
      const attempt = typeof tried === 'string' ? tried : await tried
      if (attempt === 'later' && clock.now() < first.untilMs) {
        await this.#pause(pauseMs)
        pauseMs = Math.min(RETRY_MAX_MS, pauseMs * 2)
        continue
      }
      pauseMs = RETRY_MIN_MS
      lane.waiting.splice(lane.waiting.indexOf(first), 1)
      if (attempt === 'later') doer.lost(entry.effect, entry.trace)
      if (attempt !== 'accepted') this.#end(entry)
    }
    lane.busy = false
  }

  #try(entry: OutboxEntry, lane: Lane): 'accepted' | Attempt | Promise<Attempt> {
    const { agent, doer } = this.#options
    const { effect, trace, seq } = entry
    let from = seq
    for (const oldest of lane.pending) {
      from = oldest.seq
      break
    }
    const origin = { agent, fence: this.#fence, seq, from }
    if (effect.kind !== 'send') return doer.act(effect, origin, trace)
    return doer.send(effect, origin, trace, (attempt) => {
      if (attempt !== 'later') this.#end(entry)
      else {
        // The receiver went before it had handled it: it waits for the next one, in its old place.
        this.release(entry)
        lane.waiting.sort((a, b) => bySeq(a.entry, b.entry))
      }
    })
  }

  #end(entry: OutboxEntry): void {
    if (!this.remove(entry) || this.#closed) return
    const { clock, crowd, changed } = this.#options
    if (this.size + 1 >= crowd) changed()
    // With the next state, or alone if none comes.
    else this.#untidy ??= clock.setTimeout(changed, TIDY_MS)
  }

  #tidied(): void {
    if (this.#untidy !== undefined) this.#options.clock.clearTimeout(this.#untidy)
    this.#untidy = undefined
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimeout(() => {
        this.#pauses.delete(timer)
        resolve()
      }, ms)
      this.#pauses.set(timer, resolve)
    })
  }

  /** Tries nothing any more; what is not done stays in the store. */
  close(): void {
    this.#closed = true
    this.#tidied()
    for (const [timer, resolve] of this.#pauses) {
      this.#options.clock.clearTimeout(timer)
      resolve()
    }
    this.#pauses.clear()
  }
}

function bySeq(a: OutboxEntry, b: OutboxEntry): number {
  return a.seq - b.seq
}

function nameOf(effect: EffectData): string {
  if (effect.kind === 'send') return `send ${effect.to}`
  return effect.kind === 'put' ? `put ${effect.map}` : `command ${effect.actuator}`
}
