import type { Clock, TimerHandle, TraceContext } from '@stigmergy/grid'
import type { AgentEvent } from './envelope.ts'

/** An effect as data. */
export type EffectData =
  | { readonly kind: 'send'; readonly to: string; readonly event: AgentEvent }
  | { readonly kind: 'put'; readonly map: string; readonly key: string; readonly value: unknown }
  | { readonly kind: 'command'; readonly actuator: string; readonly payload: unknown }

/**
 * Who caused an effect, under which right, and the how manyth of it this is (I3).
 * Of two, the one with the smaller fence, or the same fence and the smaller seq, is the older one.
 */
export interface EffectOrigin {
  readonly agent: string
  readonly fence: number
  readonly seq: number
}

/** An effect that is kept until it is done. */
export interface OutboxEntry {
  readonly fence: number
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
  lost(effect: EffectData): void
}

export interface OutboxOptions {
  readonly agent: string
  readonly clock: Clock
  readonly doer: Doer
  /** How long one effect is tried. */
  readonly giveUpMs: number
  /** Something is done: the stored state need not speak of it any more. */
  changed(): void
}

const RETRY_MIN_MS = 10
const RETRY_MAX_MS = 1000

interface Waiting {
  readonly entry: OutboxEntry
  /** Until when it is tried; set by the first try. */
  untilMs: number | undefined
}

/** Effects to one receiver, in order. */
interface Lane {
  waiting: Waiting[]
  busy: boolean
}

/** The effects of an agent that are data: kept until they are done, begun in order per receiver. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #pending = new Map<OutboxEntry, string>()
  readonly #lanes = new Map<string, Lane>()
  readonly #pauses = new Map<TimerHandle, () => void>()
  #seq = 0
  #closed = false

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** What is not done, in order. */
  get entries(): readonly OutboxEntry[] {
    return [...this.#pending.keys()]
  }

  get size(): number {
    return this.#pending.size
  }

  /** Takes what an earlier activation left undone; each is then released. */
  restore(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) this.#pending.set(entry, laneOf(entry.effect))
  }

  /** A new one. It is done once it is released. */
  add(effect: EffectData, fence: number, trace: TraceContext | undefined): OutboxEntry {
    this.#seq += 1
    const entry = { fence, seq: this.#seq, effect, trace }
    this.#pending.set(entry, laneOf(effect))
    return entry
  }

  /** Takes back what was never committed. */
  remove(entry: OutboxEntry): void {
    this.#pending.delete(entry)
  }

  /** It is committed, so it may be done. */
  release(entry: OutboxEntry): void {
    const name = this.#pending.get(entry)
    if (name === undefined || this.#closed) return
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { waiting: [], busy: false }
      this.#lanes.set(name, lane)
    }
    lane.waiting.push({ entry, untilMs: undefined })
    if (!lane.busy) void this.#work(name, lane)
  }

  async #work(name: string, lane: Lane): Promise<void> {
    const { clock, doer, giveUpMs } = this.#options
    lane.busy = true
    let pauseMs = RETRY_MIN_MS
    // The first one is looked at anew each time: an older one may have come back.
    for (let first = lane.waiting[0]; first !== undefined && !this.#closed; first = lane.waiting[0]) {
      const { entry } = first
      first.untilMs ??= clock.now() + giveUpMs
      const tried = this.#try(entry)
      const attempt = typeof tried === 'string' ? tried : await tried
      if (attempt === 'later' && clock.now() < first.untilMs) {
        await this.#pause(pauseMs)
        pauseMs = Math.min(RETRY_MAX_MS, pauseMs * 2)
        continue
      }
      pauseMs = RETRY_MIN_MS
      lane.waiting.splice(lane.waiting.indexOf(first), 1)
      if (attempt === 'later') doer.lost(entry.effect)
      if (attempt !== 'accepted') this.#end(entry)
    }
    lane.busy = false
    if (lane.waiting.length === 0) this.#lanes.delete(name)
  }

  #try(entry: OutboxEntry): 'accepted' | Attempt | Promise<Attempt> {
    const { agent, doer } = this.#options
    const { effect, trace, fence, seq } = entry
    const origin = { agent, fence, seq }
    if (effect.kind !== 'send') return doer.act(effect, origin, trace)
    return doer.send(effect, origin, trace, (attempt) => {
      if (attempt === 'later') this.#again(entry)
      else this.#end(entry)
    })
  }

  /** The receiver went before it had handled it: it waits for the next one, in its old place. */
  #again(entry: OutboxEntry): void {
    this.release(entry)
    const lane = this.#lanes.get(laneOf(entry.effect))
    lane?.waiting.sort(({ entry: a }, { entry: b }) => a.fence - b.fence || a.seq - b.seq)
  }

  #end(entry: OutboxEntry): void {
    if (this.#pending.delete(entry) && !this.#closed) this.#options.changed()
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
    for (const [timer, resolve] of this.#pauses) {
      this.#options.clock.clearTimeout(timer)
      resolve()
    }
    this.#pauses.clear()
    this.#lanes.clear()
  }
}

function laneOf(effect: EffectData): string {
  if (effect.kind === 'send') return `send ${effect.to}`
  return effect.kind === 'put' ? `put ${effect.map}` : `command ${effect.actuator}`
}
