import type { Clock } from '@stigmergy/grid'
import { createActor } from 'xstate'
import type { Actor, AnyActorLogic, AnyActorRef, AnyActorScope, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import type { ExecutableActionObject, Snapshot } from 'xstate'

/** Something a step wants done to the world outside the snapshot: an action, a send, the start or stop of a child. */
export type Effect = ExecutableActionObject | (() => void)

/** What an event makes of a snapshot: the next one, and effects that have not happened yet. */
export interface Step {
  readonly snapshot: AnyMachineSnapshot
  readonly effects: readonly Effect[]
}

/**
 * The seam between the statechart and the runtime: decide first, act later (I2).
 * Upheld on stock XState by giving the machine a scope of its own that writes effects down instead of running them.
 */
export interface Stepper {
  /** Pure as far as the machine's guards and assigns are. Throws what they throw; no effect has run then. */
  step(snapshot: AnyMachineSnapshot, event: AnyEventObject): Step
  /** Runs the effects in order. Throws what an action throws; those after it do not run. */
  release(effects: readonly Effect[]): void
  /** Runs `fn` after the released effects, once the actor holds the new snapshot. */
  after(fn: () => void): void
}

/** Is told each event of the actor, those of its children and timers included, and returns the next snapshot. */
export type OnEvent = (stepper: Stepper, snapshot: AnyMachineSnapshot, event: AnyEventObject) => AnyMachineSnapshot

/** XState's default is Infinity, with which an `always` loop hangs the process. */
const MAX_ITERATIONS = 1000
const NO_EFFECTS: readonly Effect[] = []

function createStepper(machine: AnyStateMachine, real: AnyActorScope): Stepper {
  let collected: Effect[] | undefined
  let collecting = false
  const collect = (effect: Effect): void => {
    collected ??= []
    collected.push(effect)
  }
  const own: AnyActorScope = {
    ...real,
    defer: (fn) => (collecting ? collect(fn) : real.defer(fn)),
    actionExecutor: (action) => {
      // Only frees the child's system id and withholds its stop by `defer`. Done late, a child that is
      // invoked again in the same step would find its own system id taken.
      if (action.type === 'xstate.stopChild') action.exec?.(action.info, action.params)
      else collect(action)
    },
  }
  return {
    step(snapshot, event) {
      collected = undefined
      collecting = true
      try {
        const next = machine.transition(snapshot, event, own)
        return { snapshot: next, effects: collected ?? NO_EFFECTS }
      } finally {
        collecting = false
      }
    },
    release(effects) {
      for (const effect of effects) {
        if (typeof effect === 'function') real.defer(effect)
        else real.actionExecutor(effect)
      }
    },
    after: (fn) => real.defer(fn),
  }
}

/**
 * Gives the same machine with a bound on its eventless steps, unless it set one itself; the machine given is not changed.
 * One copy serves all agents of a machine.
 */
export function createBounder(): (machine: AnyStateMachine) => AnyStateMachine {
  const copies = new WeakMap<AnyStateMachine, AnyStateMachine>()
  return (machine) => {
    if (machine.config.options?.maxIterations !== undefined) return machine
    const known = copies.get(machine)
    if (known !== undefined) return known
    const options = { value: { ...machine.options, maxIterations: MAX_ITERATIONS } }
    const copy = Object.create(machine, { options }) as AnyStateMachine
    const methods = Object.getPrototypeOf(machine) as AnyStateMachine
    // The machine binds its methods to itself; snapshots made by them would know the unbounded one.
    copy.getInitialSnapshot = methods.getInitialSnapshot.bind(copy)
    copy.restoreSnapshot = methods.restoreSnapshot.bind(copy)
    copies.set(machine, copy)
    return copy
  }
}

/** A machine as XState's actor runs it, with the seam in between. */
class SteppedLogic {
  readonly #machine: AnyStateMachine
  readonly #onEvent: OnEvent
  #stepper: Stepper | undefined

  constructor(machine: AnyStateMachine, onEvent: OnEvent) {
    this.#machine = machine
    this.#onEvent = onEvent
  }

  transition(snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: AnyActorScope): AnyMachineSnapshot {
    this.#stepper ??= createStepper(this.#machine, scope)
    return this.#onEvent(this.#stepper, snapshot, event)
  }

  getInitialSnapshot(scope: AnyActorScope, input: unknown): AnyMachineSnapshot {
    return this.#machine.getInitialSnapshot(scope, input) as AnyMachineSnapshot
  }

  restoreSnapshot(snapshot: Snapshot<unknown>, scope: AnyActorScope): AnyMachineSnapshot {
    return this.#machine.restoreSnapshot(snapshot, scope) as AnyMachineSnapshot
  }

  getPersistedSnapshot(snapshot: AnyMachineSnapshot): Snapshot<unknown> {
    return this.#machine.getPersistedSnapshot(snapshot)
  }

  start(snapshot: AnyMachineSnapshot): void {
    this.#machine.start(snapshot)
  }
}

/** An actor that is stepped through the seam. It is not started. */
export function createSteppedActor(
  machine: AnyStateMachine,
  onEvent: OnEvent,
  options: { readonly clock: Clock; readonly id: string; readonly input: unknown; readonly snapshot: Snapshot<unknown> | undefined },
): Actor<AnyActorLogic> {
  const logic = new SteppedLogic(machine, onEvent) as unknown as AnyActorLogic
  const { clock, id, input, snapshot } = options
  return createActor(logic, snapshot === undefined ? { clock, id, input } : { clock, id, input, snapshot })
}

/**
 * Stops the children in a snapshot and theirs. XState leaves them running when the actor's own action threw,
 * and does not look into children that are stopped themselves: so from the leaves up.
 */
export function stopChildren(snapshot: unknown): void {
  const { children } = (snapshot ?? {}) as { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> }
  for (const child of Object.values(children ?? {})) {
    if (child === undefined) continue
    stopChildren(child.getSnapshot())
    // Not in XState's types: `stop()` refuses every actor but the root.
    ;(child as AnyActorRef & { _stop(): void })._stop()
  }
}
