import { StateMachine, type AnyActorLogic, type AnyActorRef, type AnyActorScope, type AnyEventObject } from 'xstate'
import type { AnyMachineSnapshot, AnyStateMachine, ExecutableActionObject, Snapshot } from 'xstate'
import { gateOf, leavesTree, runsLate } from '../durability/effect.ts'
import type { Gate } from '../durability/gate.ts'
import { gateStarted, runHeld } from './gated-child.ts'
import type { Effect } from './step.ts'
import type { Tree } from './tree.ts'
import { markViolations } from './violation-marks.ts'

type Config = Readonly<Record<string, unknown>>

/**
 * Gives the same machine with children that hold back what leaves the agent (I2): XState makes the children, so they are reached by
 * what they are made of. One copy serves all agents of a machine; the machine given is not changed.
 */
export function createGated(): (machine: AnyStateMachine) => AnyStateMachine {
  const machines = new WeakMap<AnyStateMachine, AnyStateMachine>()
  const logics = new WeakMap<AnyActorLogic, AnyActorLogic>()

  function gatedMachine(machine: AnyStateMachine): AnyStateMachine {
    let copy = machines.get(machine)
    if (copy === undefined) {
      const { actors } = machine.implementations
      copy = new StateMachine(
        gatedConfig(machine.config as Config) as never,
        {
          ...machine.implementations,
          actors: Object.fromEntries(
            Object.entries(actors as Record<string, AnyActorLogic>).map(([name, logic]) => [name, gatedLogic(logic)]),
          ),
        } as never,
      ) as unknown as AnyStateMachine
      markViolations(copy.root)
      machines.set(machine, copy)
    }
    return copy
  }

  function gatedLogic(logic: AnyActorLogic): AnyActorLogic {
    let copy = logics.get(logic)
    if (copy === undefined) {
      const machine = logic as unknown as AnyStateMachine
      copy = typeof machine.root === 'object' ? childMachine(gatedMachine(machine)) : gateStarted(logic)
      logics.set(logic, copy)
    }
    return copy
  }

  function gatedConfig(config: Config): Config {
    const { states, invoke } = config
    return {
      ...config,
      ...(typeof states === 'object' && {
        states: Object.fromEntries(Object.entries(states as Record<string, Config>).map(([key, state]) => [key, gatedConfig(state)])),
      }),
      ...(invoke !== undefined && { invoke: Array.isArray(invoke) ? invoke.map(gatedInvoke) : gatedInvoke(invoke) }),
    }
  }

  function gatedInvoke(invoke: unknown): unknown {
    const { src } = invoke as { readonly src?: unknown }
    return typeof src === 'object' ? { ...(invoke as object), src: gatedLogic(src as AnyActorLogic) } : invoke
  }

  return gatedMachine
}

/** A machine as a child: its effects are collected, and what leaves the agent waits at the agent's gate. */
function childMachine(machine: AnyStateMachine): AnyActorLogic {
  const scopes = new WeakMap<AnyActorRef, ChildScope>()

  function scopeOf(real: AnyActorScope): ChildScope {
    let scope = scopes.get(real.self)
    if (scope === undefined) {
      scope = new ChildScope(real)
      scopes.set(real.self, scope)
    }
    return scope
  }

  return {
    config: machine.config,
    root: machine.root,
    getInitialSnapshot(real: AnyActorScope, input: unknown) {
      const scope = scopeOf(real)
      const [snapshot, effects] = scope.collect(() => machine.getInitialSnapshot(scope.scope, input) as AnyMachineSnapshot)
      // Run when the child is started.
      real.defer(() => scope.release(effects))
      return snapshot
    },
    restoreSnapshot: (snapshot: Snapshot<unknown>, real: AnyActorScope) => machine.restoreSnapshot(snapshot, scopeOf(real).scope),
    getPersistedSnapshot: (snapshot: AnyMachineSnapshot) => machine.getPersistedSnapshot(snapshot),
    start: (snapshot: AnyMachineSnapshot) => machine.start(snapshot),
    transition(snapshot: AnyMachineSnapshot, event: AnyEventObject, real: AnyActorScope) {
      const scope = scopeOf(real)
      const [next, effects] = scope.collect(() => machine.transition(snapshot, event, scope.scope) as AnyMachineSnapshot)
      scope.release(effects)
      if (next !== snapshot) scope.gate.touch()
      return next
    },
  } as unknown as AnyActorLogic
}

class ChildScope {
  readonly scope: AnyActorScope
  readonly #real: AnyActorScope
  readonly gate: Gate
  #collected: Effect[] | undefined
  #releasing = false

  constructor(real: AnyActorScope) {
    this.#real = real
    this.gate = gateOf(real.self)
    this.scope = {
      ...real,
      defer: (fn) => {
        if (this.#collected !== undefined) this.#collected.push(fn)
        else if (this.#releasing) real.defer(fn)
        else fn()
      },
      actionExecutor: (action) => {
        if (action.type === 'xstate.stopChild') action.exec?.(action.info, action.params)
        else this.#collected?.push(action)
      },
    }
  }

  collect(decide: () => AnyMachineSnapshot): readonly [AnyMachineSnapshot, readonly Effect[]] {
    const effects: Effect[] = []
    this.#collected = effects
    try {
      return [decide(), effects]
    } finally {
      this.#collected = undefined
    }
  }

  release(effects: readonly Effect[]): void {
    this.#releasing = true
    try {
      for (const effect of effects) {
        if (typeof effect === 'function') this.#real.defer(effect)
        else this.#run(effect)
      }
    } finally {
      this.#releasing = false
    }
  }

  #run(effect: ExecutableActionObject): void {
    const run = (): void => effect.exec?.(effect.info, effect.params)
    const held = (): void => this.gate.hold(() => runHeld(this.#real.self, run))
    if (!leavesTree(effect, this.#real.system as unknown as Tree)) run()
    else if (runsLate(effect)) this.#real.defer(held)
    else held()
  }
}
