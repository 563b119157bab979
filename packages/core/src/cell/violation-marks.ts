import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate'

/** States with this tag are violations of safety: that one is entered is told to the hooks. */
const VIOLATION = 'violation'

/** Gives a machine with violations as a copy that says when it enters one; any other is given back as it is. */
export type MarkMachine = (machine: AnyStateMachine) => AnyStateMachine

/** An agent that steps its machine, or the tree that a child is in. XState's own are not: then nobody is told. */
interface Enters {
  /** A violation was entered, as the first thing its entry does. `state`: its path. */
  enters?(state: string): void
}

/**
 * Entry actions that come first and say so, as XState runs them: also where the state is left again in the same step, and where what the
 * entry does then throws. Of the kind that `assign` is of, done while the machine decides: so they are no effect, and change nothing.
 */
function markOf(state: string): unknown {
  const resolve = (scope: AnyActorScope, snapshot: AnyMachineSnapshot): readonly unknown[] => {
    const own = scope as Enters
    if (own.enters !== undefined) own.enters(state)
    else (scope.system as Enters).enters?.(`${scope.self.id}/${state}`)
    return [snapshot, undefined, undefined]
  }
  return Object.assign(() => undefined, { type: 'stigmergy.violation', resolve })
}

/** Marks all violations below and at the node. The node must be ours. */
export function markViolations(node: AnyStateNode): void {
  if (isViolation(node)) (node as { entry: readonly unknown[] }).entry = [markOf(node.path.join('.') || node.key), ...node.entry]
  for (const child of childrenOf(node)) markViolations(child)
}

function hasViolations(node: AnyStateNode): boolean {
  return isViolation(node) || childrenOf(node).some(hasViolations)
}

function isViolation({ tags }: AnyStateNode): boolean {
  return (tags as readonly string[]).includes(VIOLATION)
}

function childrenOf({ states }: AnyStateNode): readonly AnyStateNode[] {
  return Object.values(states as Readonly<Record<string, AnyStateNode>>)
}

/** The machines given are not changed. One copy serves all agents of a machine. */
export function createMarked(): MarkMachine {
  const machines = new WeakMap<AnyStateMachine, AnyStateMachine>()
  return (machine) => {
    let marked = machines.get(machine)
    if (marked === undefined) {
      marked = machine
      if (hasViolations(machine.root)) {
        marked = machine.provide({})
        markViolations(marked.root)
      }
      machines.set(machine, marked)
    }
    return marked
  }
}

/** A child that XState is making runs the marked copy of its machine. What is no machine, or has its marks with its gate, stays. */
export function markChild(child: AnyActorRef, marked: MarkMachine): void {
  const made = child as unknown as { logic: AnyStateMachine }
  if (typeof made.logic.root === 'object' && typeof made.logic.provide === 'function') made.logic = marked(made.logic)
}
