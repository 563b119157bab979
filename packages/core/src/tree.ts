import type { Clock, TimerHandle } from '@stigmergy/grid'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import type { Gate } from './gate.ts'

/** A delayed event that waits. */
export interface Scheduled {
  readonly source: AnyActorRef
  readonly target: AnyActorRef
  readonly event: AnyEventObject
  readonly id: string
  readonly delayMs: number
  /** On the clock's monotonic time. */
  readonly dueAtMs: number
  handle: TimerHandle | undefined
}

/** Node's timers take no more: a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

const NOT_INSPECTED = { unsubscribe: (): void => undefined }

/** What all agents share. */
export interface TreeEnvironment {
  readonly clock: Clock
  /** Where XState's `log` goes. */
  readonly logger: (...args: readonly unknown[]) => void
}

/**
 * What XState calls the system of an actor: the names and the delayed events of one agent and its children.
 * Ours, because XState's loses timers, cannot hold them back (I2), and reads the wall clock. Made when first asked for.
 */
export class Tree {
  readonly #environment: TreeEnvironment
  readonly #id: string
  readonly #gate: Gate | undefined
  readonly #timers = new Map<string, Scheduled>()
  readonly #named = new Map<string, AnyActorRef>()
  readonly #names = new Map<AnyActorRef, string>()
  #booked = 0

  constructor(id: string, environment: TreeEnvironment, gate: Gate | undefined) {
    this.#id = id
    this.#environment = environment
    this.#gate = gate
  }

  get _clock(): Clock {
    return this.#environment.clock
  }

  get _logger(): TreeEnvironment['logger'] {
    return this.#environment.logger
  }

  get scheduler(): this {
    return this
  }

  /** Ids of children that were given none. Never one that a restored child has. */
  readonly _bookId = (): string => `${this.#id}:${this.#booked++}`

  /** No id of these is booked again. */
  reserve(ids: Iterable<string>): void {
    const prefix = `${this.#id}:`
    for (const id of ids) {
      const number = id.startsWith(prefix) ? Number(id.slice(prefix.length)) : Number.NaN
      if (number >= this.#booked) this.#booked = number + 1
    }
  }

  _register(sessionId: string): string {
    return sessionId
  }

  _unregister(actor: AnyActorRef): void {
    const name = this.#names.get(actor)
    if (name === undefined) return
    this.#names.delete(actor)
    this.#named.delete(name)
  }

  _set(name: string, actor: AnyActorRef): void {
    const known = this.#named.get(name)
    if (known !== undefined && known !== actor) throw new Error(`Actor with system ID '${name}' already exists.`)
    this.#named.set(name, actor)
    this.#names.set(actor, name)
  }

  readonly get = (name: string): AnyActorRef | undefined => this.#named.get(name)

  readonly getAll = (): Record<string, AnyActorRef> => Object.fromEntries(this.#named)

  /** Inspection is what the hooks of the system are for: an inspector can kill what it looks at. */
  inspect(): { unsubscribe(): void } {
    return NOT_INSPECTED
  }

  _sendInspectionEvent(): void {}

  readonly _relay = (_source: AnyActorRef | undefined, target: AnyActorRef, event: AnyEventObject): void => {
    ;(target as AnyActorRef & { _send(event: AnyEventObject): void })._send(event)
  }

  readonly schedule = (
    source: AnyActorRef,
    target: AnyActorRef,
    event: AnyEventObject,
    delay: number,
    id: string = this._bookId(),
    dueAtMs: number = this._clock.now() + delay,
  ): void => {
    this.cancel(source, id)
    const timer: Scheduled = { source, target, event, id, delayMs: delay, dueAtMs, handle: undefined }
    this.#timers.set(keyOf(source, id), timer)
    // It is part of the state at once; that it runs is an effect (I2).
    if (this.#gate === undefined) this.#arm(timer)
    else this.#gate.hold(() => this.#arm(timer))
  }

  #arm(timer: Scheduled): void {
    const key = keyOf(timer.source, timer.id)
    if (this.#timers.get(key) !== timer) return
    const leftMs = Math.max(0, timer.dueAtMs - this._clock.now())
    timer.handle = this._clock.setTimeout(
      () => {
        if (leftMs > LONGEST_MS) {
          this.#arm(timer)
          return
        }
        this.#timers.delete(key)
        this._relay(timer.source, timer.target, timer.event)
      },
      Math.min(leftMs, LONGEST_MS),
    )
  }

  readonly cancel = (source: AnyActorRef, id: string): void => {
    const key = keyOf(source, id)
    const timer = this.#timers.get(key)
    if (timer === undefined) return
    this.#timers.delete(key)
    if (timer.handle !== undefined) this._clock.clearTimeout(timer.handle)
  }

  readonly cancelAll = (source: AnyActorRef): void => {
    for (const timer of this.#timers.values()) if (timer.source === source) this.cancel(source, timer.id)
  }

  get waiting(): boolean {
    return this.#timers.size > 0
  }

  /** What waits, in the order it was scheduled. */
  get scheduled(): Iterable<Scheduled> {
    return this.#timers.values()
  }

  getSnapshot(): { readonly _scheduledEvents: Readonly<Record<string, Scheduled>> } {
    return { _scheduledEvents: Object.fromEntries(this.#timers) }
  }

  start(): void {}
}

function keyOf(source: AnyActorRef, id: string): string {
  return `${source.sessionId} ${id}`
}
