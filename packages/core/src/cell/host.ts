import type { Clock, TraceContext } from '@stigmergy/grid'
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine, Snapshot } from 'xstate'
import type { Gate } from '../durability/gate.ts'
import type { EffectData } from '../durability/outbox.ts'
import type { HostOwner } from './host-owner.ts'
import { checkChildren, childIds, hasChildren } from './stored-children.ts'
import type { Loops } from './loops.ts'
import { isEmpty } from './slim.ts'
import { lasting } from '../durability/storable.ts'
import { Stepper, type Deciding } from './stepper.ts'
import type { PendingTimer } from './timers.ts'
import type { MarkMachine } from './violation-marks.ts'
import { Tree, type Dozing, type DozingTimer } from './tree.ts'

const STOP: AnyEventObject = { type: 'xstate.stop' }
export const NOTHING_DOZES: Dozing = { timers: [], booked: 0 }

/** What all agents of a system share. */
export interface HostEnvironment {
  readonly clock: Clock
  /** Where XState's `log` goes. */
  readonly logger: (...args: readonly unknown[]) => void
  readonly deciding: Deciding
  /** Where the work that is running stands. */
  readonly slot: { readonly current: TraceContext | undefined }
}

export interface HostOptions {
  readonly id: string
  readonly machine: AnyStateMachine
  readonly environment: HostEnvironment
  /** Where effects wait for the commit of the state that caused them; undefined: they do not wait. */
  readonly gate: Gate | undefined
}

/**
 * An agent as its machine and its children see it: `self`. In the place of XState's actor: that one runs effects before anybody could
 * commit a state (I2), and weighs 3.5 kB.
 */
export class Host extends Stepper {
  readonly id: string
  readonly #environment: HostEnvironment
  readonly #owner: HostOwner
  /** 0 not started, 1 running, 2 stopped: as XState numbers them. */
  _processingStatus = 0
  #queue: AnyEventObject[] | undefined
  #busy = false
  #tree: Tree | undefined
  #heir: (() => Host | undefined) | undefined
  /** What it is to wait for once it has started. Undefined: it waits. */
  unarmed: readonly PendingTimer[] | undefined

  constructor({ id, machine, environment, gate }: HostOptions, owner: HostOwner) {
    // Where there is a gate, the copy that holds its children back has its marks.
    super(gate === undefined ? environment.deciding.marked(machine) : machine, gate, environment.deciding)
    this.id = id
    this.#environment = environment
    this.#owner = owner
  }

  get self(): AnyActorRef {
    return this as unknown as AnyActorRef
  }

  get ref(): AnyActorRef {
    return this.self
  }

  get sessionId(): string {
    return this.id
  }

  get src(): AnyStateMachine {
    return this.logic
  }

  get loops(): Loops {
    return this.#environment.deciding.loops
  }

  get marked(): MarkMachine {
    return this.#environment.deciding.marked
  }

  get clock(): Clock {
    return this.#environment.clock
  }

  get system(): Tree {
    this.#tree ??= new Tree(this)
    return this.#tree
  }

  /** Undefined as long as nobody asked for it: then there is no timer either. */
  get tree(): Tree | undefined {
    return this.#tree
  }

  get logger(): HostEnvironment['logger'] {
    return this.#environment.logger
  }

  getPersistedSnapshot(): Snapshot<unknown> {
    return this.logic.getPersistedSnapshot(this.snapshot)
  }

  toJSON(): unknown {
    return { xstate$$type: 1, id: this.id }
  }

  override prepare(input: unknown, stored: Snapshot<unknown> | undefined): AnyMachineSnapshot {
    if (stored === undefined || !hasChildren(stored)) return super.prepare(input, stored)
    this.system.reserve(childIds(stored))
    const snapshot = super.prepare(input, stored)
    checkChildren(snapshot, stored)
    return snapshot
  }

  /** Starts the children and runs the first effects. `first` comes before what those children say. Throws what an effect throws. */
  start(first: () => void): void {
    this._processingStatus = 1
    this.#busy = true
    try {
      this.begin()
    } finally {
      this.#busy = false
    }
    first()
    this.#drain()
  }

  /** A step is done, its effects have run or are held: what it did to the timers stands. */
  settled(): void {
    this.#tree?.settled()
  }

  /** Goes on with the timers it fell asleep with. */
  resume(dozing: Dozing, due: DozingTimer | undefined): void {
    this._processingStatus = 1
    this.begin()
    if (dozing !== NOTHING_DOZES) this.system.resume(this.self, dozing, due)
  }

  /** Its timers. Undefined: it has children, or waits to send something to somebody else, or its state holds what cannot be stored. */
  get dozing(): Dozing | undefined {
    const { status, children, context } = this.snapshot
    if (this.#busy || this._processingStatus !== 1 || status !== 'active' || !isEmpty(children) || lasting(context) !== 'same')
      return undefined
    return this.#tree === undefined ? NOTHING_DOZES : this.#tree.dozing(this.self)
  }

  /** Sleeps: nothing comes here any more, and what is sent here goes to its heir. */
  giveWay(heir: () => Host | undefined): void {
    this.#heir = heir
    this.end()
  }

  send(event: AnyEventObject): void {
    this._send(event)
  }

  /** Of its children, its timers and itself. */
  _send(event: AnyEventObject): void {
    if (this._processingStatus === 2) {
      this.#heir?.()?._send(event)
      return
    }
    if (this.#busy || this._processingStatus === 0) {
      this.#queue ??= []
      this.#queue.push(event)
      return
    }
    this.#process(event)
    this.#drain()
  }

  #process(event: AnyEventObject): void {
    this.#busy = true
    try {
      this.#owner.handle(event)
    } finally {
      this.#busy = false
    }
  }

  #drain(): void {
    while (this.#queue !== undefined && this._processingStatus === 1) {
      const queue = this.#queue
      this.#queue = undefined
      for (const event of queue) if (this._processingStatus === 1) this.#process(event)
    }
  }

  get trace(): TraceContext | undefined {
    return this.#environment.slot.current
  }

  because(trace: TraceContext | undefined, fn: () => void): void {
    this.#owner.because(trace, fn)
  }

  /** Of its machine's marks, and of its children's. */
  enters(state: string): void {
    this.#owner.enters(state)
  }

  dispatch(effect: EffectData): void {
    this.#owner.dispatch(effect)
  }

  refuses(event: AnyEventObject): boolean {
    return this.#owner.refuses(event)
  }

  emit(event: AnyEventObject): void {
    this.#owner.audience.emitted(event)
  }

  on(type: string, listener: (event: AnyEventObject) => void): { unsubscribe(): void } {
    return { unsubscribe: this.#owner.audience.on(type, listener) }
  }

  subscribe(observer: ((snapshot: AnyMachineSnapshot) => void) | { next?(snapshot: AnyMachineSnapshot): void }): { unsubscribe(): void } {
    const next = typeof observer === 'function' ? observer : observer.next?.bind(observer)
    return { unsubscribe: this.#owner.audience.subscribe((snapshot) => next?.(snapshot)) }
  }

  /** Stops the children as XState does, and nothing comes any more. */
  stop(): void {
    if (this._processingStatus === 1 && this.snapshot.status === 'active') {
      const { snapshot, effects } = this.step(STOP)
      this.release(effects, snapshot)
    }
    this.end()
  }

  /** Nothing comes any more: no event, no timer. */
  end(): void {
    this._processingStatus = 2
    this.#queue = undefined
    this.#tree?.cancelAll(this.self)
  }
}
