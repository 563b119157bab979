import type {
  AnyActorRef,
  AnyActorScope,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  ExecutableActionObject,
  Snapshot,
} from 'xstate'
import { leavesTree, runsLate } from '../durability/effect.ts'
import type { Gate } from '../durability/gate.ts'
import { KnownStates } from './known-states.ts'
import { Loops } from './loops.ts'
import { QuickSteps } from './quick-step.ts'
import { isEmpty, slim } from './slim.ts'
import type { Effect, Step } from './step.ts'
import type { Tree } from './tree.ts'
import { createMarked, type MarkMachine } from './violation-marks.ts'

const NO_EFFECTS: readonly Effect[] = []

/** Which of a system's machines is deciding. One for all agents: XState wants its executor as a function of its own. */
export class Deciding {
  readonly known: KnownStates = new KnownStates()
  readonly quick: QuickSteps = new QuickSteps()
  readonly loops: Loops = new Loops()
  readonly marked: MarkMachine = createMarked()
  current: Stepper | undefined
  readonly actionExecutor = (action: ExecutableActionObject): void => this.current?.act(action)
}

/** The scope in which an agent's machine is stepped: effects are collected when it decides, and run when they are released. */
export abstract class Stepper {
  readonly gate: Gate | undefined
  readonly #machine: AnyStateMachine
  /** XState wraps and restores this one for each microstep, and calls it as a function. */
  actionExecutor: (action: ExecutableActionObject) => void
  readonly #deciding: Deciding
  #snapshot: AnyMachineSnapshot | undefined
  #collected: Effect[] | undefined
  #later: (() => void)[] | undefined

  constructor(machine: AnyStateMachine, gate: Gate | undefined, deciding: Deciding) {
    this.#machine = machine
    this.gate = gate
    this.#deciding = deciding
    this.actionExecutor = deciding.actionExecutor
  }

  abstract get tree(): Tree | undefined

  get logic(): AnyStateMachine {
    return this.#machine
  }

  get snapshot(): AnyMachineSnapshot {
    return this.#snapshot as AnyMachineSnapshot
  }

  getSnapshot(): AnyMachineSnapshot {
    if (this.#snapshot === undefined) throw new Error(`Snapshot can't be read while the actor initializes itself`)
    return this.#snapshot
  }

  /** Computes the first snapshot. Nothing has happened yet. Throws what `restoreSnapshot` throws; a throwing machine gives status `error`. */
  prepare(input: unknown, stored: Snapshot<unknown> | undefined): AnyMachineSnapshot {
    const { known, loops } = this.#deciding
    loops.rests(this as unknown as AnyActorRef)
    const outer = this.#takesOver()
    try {
      this.#snapshot = slim(
        stored === undefined ? known.initial(this.#machine, this.#scope, input) : known.restored(this.#machine, this.#scope, stored),
      )
      return this.#snapshot
    } finally {
      this.#deciding.current = outer
    }
  }

  get #scope(): AnyActorScope {
    return this as unknown as AnyActorScope
  }

  /** Starts the children there are, and runs the effects of the first snapshot. Throws what an effect throws. */
  protected begin(): void {
    const effects = this.#collected ?? NO_EFFECTS
    this.#collected = undefined
    const { status, children } = this.snapshot
    if (status === 'active' && !isEmpty(children)) this.#machine.start(this.snapshot)
    this.release(effects, this.snapshot)
  }

  /** Decides: what the event makes of the snapshot, and the effects, of which none has run. Throws what guards and assigns throw. */
  step(event: AnyEventObject): Step {
    this.#collected = undefined
    const { quick, actionExecutor } = this.#deciding
    const { snapshot } = this
    const outer = this.#takesOver()
    let next: AnyMachineSnapshot
    try {
      const short = quick.step(snapshot, event, this.#scope, actionExecutor)
      next = short ?? this.#step(event)
    } finally {
      this.#deciding.current = outer
    }
    const effects = this.#collected ?? NO_EFFECTS
    this.#collected = undefined
    return { snapshot: next, effects }
  }

  /** By XState itself. Its steps are counted from here. */
  #step(event: AnyEventObject): AnyMachineSnapshot {
    this.#deciding.loops.rests(this as unknown as AnyActorRef)
    return slim(this.#machine.transition(this.snapshot, event, this.#scope))
  }

  /** What XState says from now on is of this one. Returns whose it was. Not a function that takes one: this is the path of every event. */
  #takesOver(): Stepper | undefined {
    const deciding = this.#deciding
    const outer = deciding.current
    deciding.current = this
    return outer
  }

  /** Acts: runs the effects in order, what goes to other actors last, as XState does; with a gate, what leaves the tree waits there. */
  release(effects: readonly Effect[], next: AnyMachineSnapshot): void {
    if (effects.length === 0) {
      this.#snapshot = next
      return
    }
    const later: (() => void)[] = []
    this.#later = later
    try {
      for (const effect of effects) {
        if (typeof effect === 'function') later.push(effect)
        else if (this.gate === undefined || !leavesTree(effect, this.tree)) effect.exec?.(effect.info, effect.params)
        else {
          const { gate } = this
          const run = (): void => effect.exec?.(effect.info, effect.params)
          if (runsLate(effect)) later.push(() => gate.hold(run))
          else gate.hold(run)
        }
      }
    } finally {
      this.#later = undefined
    }
    this.#snapshot = next
    for (const fn of later) fn()
  }

  defer(fn: () => void): void {
    if (this.#deciding.current === this) {
      this.#collected ??= []
      this.#collected.push(fn)
    } else if (this.#later === undefined) fn()
    else this.#later.push(fn)
  }

  /** Of XState, while the machine decides. */
  act(action: ExecutableActionObject): void {
    // Only frees the child's system id and withholds its stop by `defer`. Done late, a child that is
    // invoked again in the same step would find its own system id taken.
    if (action.type === 'xstate.stopChild') action.exec?.(action.info, action.params)
    else {
      this.#collected ??= []
      this.#collected.push(action)
    }
  }

  stopChild(child: AnyActorRef & { _stop(): void }): void {
    if ((child._parent as unknown) !== this) throw new Error(`Cannot stop actor ${child.id} because it is no child of this one`)
    child._stop()
  }
}
