import type { AnyActorScope, AnyEventObject, AnyMachineSnapshot, AnyStateNode, ExecutableActionObject } from 'xstate'
import { assigned, isAssign, type Assign } from './quick-assign.ts'

/** As many types of events are remembered of a state (I6): what others do is worked out each time. */
const TYPES = 1000

/** An action that is written where it is used. */
type Inline = ((args: unknown, params: unknown) => void) & Partial<Assign>

/** A transition as XState has it. */
interface Transition {
  readonly target?: unknown
  readonly guard?: unknown
  readonly reenter?: unknown
  readonly actions: readonly unknown[]
}

type Plan = readonly Inline[] | undefined

/**
 * Steps that stay in their state: one transition without a target and a guard, whose actions are functions and `assign`s, in a state in
 * which nothing happens by itself. Most of what XState does for a step is to find out which states are left and entered: here none are.
 * One for a system.
 */
export class QuickSteps {
  readonly #plans = new WeakMap<AnyStateNode, Map<string, Plan>>()

  /** As `machine.transition`. Undefined: this step is not of these, and nothing has happened. */
  step(
    snapshot: AnyMachineSnapshot,
    event: AnyEventObject,
    scope: AnyActorScope,
    act: (action: ExecutableActionObject) => void,
  ): AnyMachineSnapshot | undefined {
    const plan = snapshot.status === 'active' ? this.#planOf(snapshot._nodes as readonly AnyStateNode[], event.type) : undefined
    if (plan === undefined) return undefined
    let next = snapshot
    for (const action of plan) {
      if (action.resolve !== undefined) next = assigned(action as Assign, scope, next, event)
      else {
        const info = { context: next.context as unknown, event, self: scope.self, system: scope.system }
        act({ type: action.name || '(anonymous)', info, params: undefined, exec: action } as unknown as ExecutableActionObject)
      }
    }
    return next
  }

  #planOf(nodes: readonly AnyStateNode[], type: string): Plan {
    // The one state that has none below it. Of a parallel machine there are several: those go the long way.
    let leaf: AnyStateNode | undefined
    for (const node of nodes) {
      if (node.type === 'compound') continue
      if (node.type !== 'atomic' || leaf !== undefined) return undefined
      leaf = node
    }
    if (leaf === undefined) return undefined
    let plans = this.#plans.get(leaf)
    if (plans === undefined) {
      plans = new Map()
      this.#plans.set(leaf, plans)
    }
    const known = plans.get(type)
    if (known !== undefined || plans.has(type)) return known
    const plan = planOf(leaf, type)
    if (plans.size < TYPES) plans.set(type, plan)
    return plan
  }
}

function planOf(leaf: AnyStateNode, type: string): Plan {
  if (type.startsWith('xstate.') || !chainOf(leaf).every(rests)) return undefined
  for (const node of chainOf(leaf)) {
    const transitions = node.transitions as ReadonlyMap<string, readonly Transition[]>
    const [first] = transitions.get(type) ?? []
    if (first !== undefined) {
      const stays = first.target === undefined && first.guard === undefined && first.reenter !== true
      return stays && first.actions.every(isInline) ? first.actions : undefined
    }
    // One of them may be meant.
    if ([...transitions.keys()].some((descriptor) => descriptor.includes('*'))) return undefined
  }
  return undefined
}

/** The state and those it is in, from the inside out. */
function chainOf(leaf: AnyStateNode): readonly AnyStateNode[] {
  const chain: AnyStateNode[] = []
  for (let node: AnyStateNode | undefined = leaf; node !== undefined; node = node.parent) chain.push(node)
  return chain
}

function rests({ always }: AnyStateNode): boolean {
  return (always?.length ?? 0) === 0
}

/** False for actions by name, and for XState's own but for `assign`. */
function isInline(action: unknown): action is Inline {
  if (typeof action !== 'function') return false
  return isAssign(action) || !('resolve' in action || 'execute' in action)
}
