import type { Clock, GridMap, TimerHandle, TraceContext } from '@stigmergy/grid'
import type { INTO } from './effect-marks.ts'
import { Lane, type LaneOptions } from './lane.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import type { Worldly } from './put-maps.ts'

/** An effect as data. */
export type EffectData =
  | { readonly kind: 'send'; readonly to: string; readonly event: AgentEvent }
  | { readonly kind: 'put'; readonly map: string; readonly key: string; readonly value: unknown; readonly [INTO]?: GridMap<unknown> | null }
  | { readonly kind: 'command'; readonly actuator: string; readonly payload: unknown }

/** Who causes an effect, and by which right (I3). {@link SeenEffects} tells repeats and zombies by it. */
export interface EffectOrigin {
  readonly agent: string
  /** Of the activation that sends it: a smaller one than was seen before is of one that has been replaced. */
  readonly fence: number
  /**
   * Of the activation that said it first. With `seq` it is the effect's name, the same when it is repeated. Without it the name would not
   * be its own: what an activation has said and not stored, the next one knows nothing of, and counts on from what is stored.
   */
  readonly born: number
  /** The effect's number. */
  readonly seq: number
  /** Name of the oldest effect to this receiver that is not done: those before it will not be repeated. */
  readonly fromBorn: number
  readonly from: number
}

/** An effect that is kept until it is done. */
export interface OutboxEntry {
  /** The fence under which it was said. Undefined: by a version that did not note it. */
  readonly born?: number
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
  once(effect: EffectData, trace: TraceContext | undefined, agentId?: string): void
  /** Does once more what was given up as that dead letter; `to`: by another actuator, in another map. False: it is no such letter. */
  again(letter: AgentEvent, to: string, trace: TraceContext | undefined): boolean
  /** Finds the maps that undone writes of an earlier process are for. Changes the effects. */
  reach(entries: readonly OutboxEntry[], agent: Worldly): void
  /** Something that is done once is under way. */
  readonly busy: boolean
  /** The same, of this agent. */
  busyFor(agentId: string): boolean
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
  /** As it would be repeated after a crash. Throws `CoreError` BAD_STATE if it cannot be. */
  lasting(effect: EffectData): EffectData
  /** Undone effects of an earlier process are there: their maps are to be found. */
  reach(entries: readonly OutboxEntry[]): void
  /** Something is done: the stored state need not speak of it any more. */
  changed(): void
}

/** How long what is done may still stand in the store as undone: there is no haste, its receiver knows it if it comes again. */
const TIDY_MS = 20
/** How long what was begun may take at the end. */
const REST_MS = 1000

/** The effects of an agent that are data: kept until they are done, begun in order per receiver. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #laneOptions: LaneOptions
  readonly #lanes = new Map<string, Lane>()
  /** All that is not done. They come in order, so they stand in order. */
  readonly #entries = new Set<OutboxEntry>()
  #seq = 0
  #fence = 0
  #untidy: TimerHandle | undefined
  #closed = false
  /** How many were not done when they were last stored. */
  #stored = 0

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#laneOptions = {
      ...options,
      origin: ({ born = 0, seq }, oldest) => ({
        agent: options.agent,
        fence: this.#fence,
        born,
        seq,
        fromBorn: oldest.born ?? 0,
        from: oldest.seq,
      }),
      ended: (entry) => this.#end(entry),
    }
  }

  /** What is not done, in order, to be stored. */
  take(): readonly OutboxEntry[] {
    this.#tidied()
    this.#stored = this.#entries.size
    return [...this.#entries]
  }

  get size(): number {
    return this.#entries.size
  }

  /** True if what is stored is what there is, as long as nothing new comes. */
  get isStored(): boolean {
    return this.#stored === this.#entries.size
  }

  /** What was taken to be stored was not. */
  unstored(): void {
    this.#stored = Number.NaN
  }

  /** The number of the newest one. */
  get seq(): number {
    return this.#seq
  }

  /** Goes on where an earlier activation ended; each entry is then released. `fence`: of this activation. */
  restore(entries: readonly OutboxEntry[], seq: number, fence: number): void {
    this.#fence = fence
    this.#seq = seq
    this.#options.reach(entries)
    for (const entry of entries) this.#keep(entry)
  }

  /**
   * A new one. It is done once it is released. Throws `CoreError` BAD_STATE if it cannot be stored: here only the step fails that says it,
   * in the commit all that goes with it would.
   */
  add(said: EffectData, trace: TraceContext | undefined): OutboxEntry {
    const effect = this.#options.lasting(said)
    this.#seq += 1
    const entry = { born: this.#fence, seq: this.#seq, effect, trace }
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
      lane = new Lane(name, this.#laneOptions)
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
    if (!this.#closed) this.#laneOf(entry).release(entry)
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

  /** Something is being done, or is about to be. */
  get busy(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.busy)
  }

  /** Begins nothing any more. Resolves once what was begun is done, or has had some time for it. */
  async rest(): Promise<void> {
    const busy = [...this.#lanes.values()].map((lane) => lane.rest()).filter((working) => working !== undefined)
    if (busy.length === 0) return
    const { clock } = this.#options
    let timer: TimerHandle | undefined
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, REST_MS)
    })
    await Promise.race([Promise.all(busy), late])
    if (timer !== undefined) clock.clearTimeout(timer)
  }

  /** Tries nothing any more; what is not done stays in the store. */
  close(): void {
    this.#closed = true
    this.#tidied()
    for (const lane of this.#lanes.values()) lane.close()
  }
}

function nameOf(effect: EffectData): string {
  if (effect.kind === 'send') return `send ${effect.to}`
  return effect.kind === 'put' ? `put ${effect.map}` : `command ${effect.actuator}`
}
