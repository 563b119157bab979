import type {
  AnyActorRef,
  AnyActorScope,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  ExecutableActionObject,
  Snapshot,
} from 'xstate'
import { leavesTree } from './effect.ts'
import type { Gate } from './gate.ts'
import type { Effect, Step } from './step.ts'
import type { Tree } from './tree.ts'

const NO_EFFECTS: readonly Effect[] = []

/** The scope in which an agent's machine is stepped: effects are collected when it decides, and run when they are released. */
export abstract class Stepper {
  readonly gate: Gate | undefined
  readonly #machine: AnyStateMachine
  /** XState wraps and restores this one for each microstep, and calls it as a function. */
  actionExecutor: (action: ExecutableActionObject) => void
  #snapshot: AnyMachineSnapshot | undefined
  #mode: 'collect' | 'later' | 'now' = 'now'
  #collected: Effect[] | undefined
  #later: (() => void)[] | undefined

  constructor(machine: AnyStateMachine, gate: Gate | undefined) {
    this.#machine = machine
    this.gate = gate
    this.actionExecutor = (action) => this.#act(action)
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
    this.#snapshot = this.#collect(() =>
      stored === undefined ? this.#machine.getInitialSnapshot(this.#scope, input) : this.#machine.restoreSnapshot(stored, this.#scope),
    )
    return this.#snapshot
  }

  get #scope(): AnyActorScope {
    return this as unknown as AnyActorScope
  }

  /** Starts the children there are, and runs the effects of the first snapshot. Throws what an effect throws. */
  protected begin(): void {
    const effects = this.#collected ?? NO_EFFECTS
    this.#collected = undefined
    if (this.snapshot.status === 'active') this.#machine.start(this.snapshot)
    this.release(effects, this.snapshot)
  }

  /** Decides: what the event makes of the snapshot, and the effects, of which none has run. Throws what guards and assigns throw. */
  step(event: AnyEventObject): Step {
    this.#collected = undefined
    const snapshot = this.#collect(() => this.#machine.transition(this.snapshot, event, this.#scope))
    const effects = this.#collected ?? NO_EFFECTS
    this.#collected = undefined
    return { snapshot, effects }
  }

  #collect(decide: () => unknown): AnyMachineSnapshot {
    this.#mode = 'collect'
    try {
      return decide() as AnyMachineSnapshot
    } finally {
      this.#mode = 'now'
    }
  }

  /** Acts: runs the effects in order, what goes to other actors last, as XState does; with a gate, what leaves the tree waits there. */
  release(effects: readonly Effect[], next: AnyMachineSnapshot): void {
    if (effects.length === 0) {
      this.#snapshot = next
      return
    }
    const later: (() => void)[] = []
    this.#later = later
    this.#mode = 'later'
    try {
      for (const effect of effects) {
        if (typeof effect === 'function') later.push(effect)
        else if (this.gate !== undefined && leavesTree(effect, this.tree)) this.gate.hold(() => effect.exec?.(effect.info, effect.params))
        else effect.exec?.(effect.info, effect.params)
      }
    } finally {
      this.#mode = 'now'
      this.#later = undefined
    }
    this.#snapshot = next
    for (const fn of later) fn()
  }

  defer(fn: () => void): void {
    if (this.#mode === 'collect') {
      this.#collected ??= []
      this.#collected.push(fn)
    } else if (this.#mode === 'later') this.#later?.push(fn)
    else fn()
  }

  #act(action: ExecutableActionObject): void {
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
