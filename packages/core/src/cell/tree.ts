import type { Clock, TimerHandle, TraceContext } from '@stigmergy/grid'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import { LONGEST_TIMER_MS } from '../deadlines.ts'
import type { Inspection } from './loops.ts'
import type { TreeRoot } from './tree-root.ts'
import { markChild } from './violation-marks.ts'

/** A delayed event that waits. */
export interface Scheduled {
  readonly source: AnyActorRef
  readonly target: AnyActorRef
  readonly event: AnyEventObject
  readonly id: string
  readonly delayMs: number
  /** On the clock's monotonic time. */
  readonly dueAtMs: number
  /** The work that caused it. */
  readonly trace: TraceContext | undefined
  handle: TimerHandle | undefined
}

export type DozingTimer = Omit<Scheduled, 'source' | 'target' | 'handle'>

/** The delayed events of an agent that sleeps, and how many ids were booked. */
export interface Dozing {
  /** In the order they were scheduled. */
  readonly timers: readonly DozingTimer[]
  readonly booked: number
}

const NOT_INSPECTED = { unsubscribe: (): void => undefined }
/** How the events of `after` begin. */
export const AFTER = 'xstate.after.'
const NO_TIMERS: ReadonlyMap<string, Scheduled> = new Map()
const NO_NAMES: ReadonlyMap<string, AnyActorRef> = new Map()

/**
 * What XState calls the system of an actor: the names and the delayed events of one agent and its children.
 * Ours, because XState's loses timers, cannot hold them back (I2), and reads the wall clock.
 */
export class Tree {
  readonly #root: TreeRoot
  // Most agents have no timers and no names.
  #timers: Map<string, Scheduled> | undefined
  #named: Map<string, AnyActorRef> | undefined
  // Of the agent's own timers, those that the step which is running has moved: as they were before it. Undefined: there was none.
  #before: Map<string, Scheduled | undefined> | undefined
  #booked = 0

  constructor(root: TreeRoot) {
    this.#root = root
  }

  get _clock(): Clock {
    return this.#root.clock
  }

  get _logger(): TreeRoot['logger'] {
    return this.#root.logger
  }

  get scheduler(): this {
    return this
  }

  /** Ids of children that were given none. Never one that a restored child has. */
  _bookId(): string {
    return `${this.#root.id}:${this.#booked++}`
  }

  /** No id of these is booked again. */
  reserve(ids: Iterable<string>): void {
    const prefix = `${this.#root.id}:`
    for (const id of ids) {
      const number = id.startsWith(prefix) ? Number(id.slice(prefix.length)) : Number.NaN
      if (number >= this.#booked) this.#booked = number + 1
    }
  }

  _register(sessionId: string): string {
    return sessionId
  }

  _unregister(actor: AnyActorRef): void {
    for (const [name, known] of this.#named ?? NO_NAMES) if (known === actor) this.#named?.delete(name)
  }

  _set(name: string, actor: AnyActorRef): void {
    this.#named ??= new Map()
    const known = this.#named.get(name)
    if (known !== undefined && known !== actor) throw new Error(`Actor with system ID '${name}' already exists.`)
    this.#named.set(name, actor)
  }

  get(name: string): AnyActorRef | undefined {
    return this.#named?.get(name)
  }

  getAll(): Record<string, AnyActorRef> {
    return Object.fromEntries(this.#named ?? NO_NAMES)
  }

  /** Inspection is what the hooks of the system are for: an inspector can kill what it looks at. */
  inspect(): { unsubscribe(): void } {
    return NOT_INSPECTED
  }

  /** Of XState: it tells of each step of a machine, and of each event a child is done with. */
  _sendInspectionEvent(told: Inspection): void {
    // A child is there, and has no state yet.
    if (told.type === '@xstate.actor') markChild(told.actorRef, this.#root.marked)
    this.#root.loops.hear(told, this.#root.id)
  }

  /** Of a child's marks. */
  enters(state: string): void {
    this.#root.enters(state)
  }

  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void {
    const { gate, self, loops, id } = this.#root
    if (target !== self) loops.relay(this, id)
    // A callback talks when it likes; what XState says itself, and what somebody sends itself, is never without end by itself.
    if (gate !== undefined && source !== self && source !== target && !event.type.startsWith('xstate.') && this.#root.refuses(event)) return
    ;(target as AnyActorRef & { _send(event: AnyEventObject): void })._send(event)
  }

  schedule(
    source: AnyActorRef,
    target: AnyActorRef,
    event: AnyEventObject,
    delay: number,
    id: string = this._bookId(),
    dueAtMs: number = this._clock.now() + delay,
    trace: TraceContext | undefined = this.#root.trace,
  ): void {
    this.cancel(source, id)
    // One that was restored keeps its id: no newer one may be given the same.
    this.reserve([id])
    const timer: Scheduled = { source, target, event, id, delayMs: delay, dueAtMs, trace, handle: undefined }
    this.#timers ??= new Map()
    this.#moves(keyOf(source, id), source)
    this.#timers.set(keyOf(source, id), timer)
    // It is part of the state at once; that it runs is an effect (I2).
    if (this.#root.gate === undefined) this.#arm(timer)
    else this.#root.gate.hold(() => this.#arm(timer))
  }

  /** What an agent without children may sleep with. Undefined: something is for somebody else. */
  dozing(self: AnyActorRef): Dozing | undefined {
    const timers: DozingTimer[] = []
    for (const { source, target, event, id, delayMs, dueAtMs, trace } of this.scheduled) {
      if (source !== self || target !== self) return undefined
      timers.push({ event, id, delayMs, dueAtMs, trace })
    }
    return { timers, booked: this.#booked }
  }

  /** They are armed as they were, but for the one that is due: it comes now. */
  resume(self: AnyActorRef, { timers, booked }: Dozing, due: DozingTimer | undefined): void {
    this.#booked = booked
    this.#timers ??= new Map()
    for (const timer of timers) {
      if (timer === due) continue
      const armed: Scheduled = { ...timer, source: self, target: self, handle: undefined }
      this.#timers.set(keyOf(self, timer.id), armed)
      this.#arm(armed)
    }
    if (due !== undefined) this.#root.because(due.trace, () => this._relay(self, self, due.event))
  }

  #arm(timer: Scheduled): void {
    const key = keyOf(timer.source, timer.id)
    if (this.#timers?.get(key) !== timer) return
    const leftMs = Math.max(0, timer.dueAtMs - this._clock.now())
    timer.handle = this._clock.setTimeout(
      () => {
        if (leftMs > LONGEST_TIMER_MS) {
          this.#arm(timer)
          return
        }
        // A step that fails on an `after` leaves the state that waits for it. What it sent itself is a dead letter then.
        if (timer.event.type.startsWith(AFTER)) this.#moves(key, timer.source)
        this.#timers?.delete(key)
        this.#root.because(timer.trace, () => this._relay(timer.source, timer.target, timer.event))
      },
      Math.min(leftMs, LONGEST_TIMER_MS),
    )
  }

  cancel(source: AnyActorRef, id: string): void {
    const key = keyOf(source, id)
    const timer = this.#timers?.get(key)
    if (timer === undefined) return
    this.#moves(key, source)
    this.#timers?.delete(key)
    if (timer.handle !== undefined) this._clock.clearTimeout(timer.handle)
  }

  cancelAll(source: AnyActorRef): void {
    for (const timer of this.scheduled) if (timer.source === source) this.cancel(source, timer.id)
  }

  get waiting(): boolean {
    return this.#timers !== undefined && this.#timers.size > 0
  }

  #moves(key: string, source: AnyActorRef): void {
    if (source !== this.#root.self) return
    this.#before ??= new Map()
    if (!this.#before.has(key)) this.#before.set(key, this.#timers?.get(key))
  }

  /** The step is done: what it did to the timers stands. */
  settled(): void {
    this.#before = undefined
  }

  /** What waits, as it was when the last step was done: a step that fails has not happened. */
  get kept(): readonly Scheduled[] {
    const before = this.#before
    if (before === undefined || before.size === 0) return [...this.scheduled]
    const now = [...(this.#timers ?? NO_TIMERS)].filter(([key]) => !before.has(key)).map(([, timer]) => timer)
    return [...[...before.values()].filter((timer) => timer !== undefined), ...now]
  }

  /** What waits, in the order it was scheduled. */
  get scheduled(): Iterable<Scheduled> {
    return (this.#timers ?? NO_TIMERS).values()
  }

  getSnapshot(): { readonly _scheduledEvents: Readonly<Record<string, Scheduled>> } {
    return { _scheduledEvents: Object.fromEntries(this.#timers ?? NO_TIMERS) }
  }

  start(): void {}
}

function keyOf(source: AnyActorRef, id: string): string {
  return `${source.sessionId} ${id}`
}
