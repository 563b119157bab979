import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, Snapshot, StateValue } from 'xstate'
import { like } from './like.ts'
import { isEmpty, NOTHING, slim } from './slim.ts'
import { keyOfValue } from './state-value.ts'

/** As many states of a machine are remembered (I6): those of others are worked out each time. */
const STATES = 1000

/** What XState stores in the place of an actor. */
const ACTOR_MARK = 1

interface Plain {
  readonly status?: string
  readonly value?: StateValue
  readonly children?: object
  readonly historyValue?: object
  readonly context?: unknown
}

/** What is the same in all snapshots of a machine in one state. */
type Pattern = AnyMachineSnapshot

/** What XState has on a machine, though not in its types. */
interface Inside {
  _getPreInitialState(scope: AnyActorScope, event: object, queue: object[]): AnyMachineSnapshot
}

class Known {
  readonly stored = new Map<string, Pattern>()
  initial: Pattern | undefined
  /** Its first step runs nothing of its own: no action, no child, no eventless transition. */
  readonly beginsQuietly: boolean

  constructor(machine: AnyStateMachine) {
    // Another release of XState may lack it: then it does all of it itself.
    this.beginsQuietly = typeof (machine as Partial<Inside>)._getPreInitialState === 'function' && entersQuietly(machine.root)
  }
}

/**
 * First snapshots. XState works out anew for each actor which nodes of the machine its state has: that is most of what it costs to begin,
 * and the same for all in one state. One for a system. What the user wrote, the context's factory, is run by XState each time.
 */
export class KnownStates {
  readonly #machines = new WeakMap<AnyStateMachine, Known>()

  #of(machine: AnyStateMachine): Known {
    let known = this.#machines.get(machine)
    if (known === undefined) {
      known = new Known(machine)
      this.#machines.set(machine, known)
    }
    return known
  }

  /** As `machine.getInitialSnapshot`. */
  initial(machine: AnyStateMachine, scope: AnyActorScope, input: unknown): AnyMachineSnapshot {
    const known = this.#of(machine)
    const pattern = known.initial
    if (pattern === undefined) {
      const first = machine.getInitialSnapshot(scope, input)
      if (known.beginsQuietly && first.status === 'active') known.initial = patternOf(first)
      return first
    }
    const { context: given } = machine.config
    if (typeof given !== 'function') return like(pattern, given ?? {}, pattern.children)
    try {
      const { context, children } = (machine as unknown as Inside)._getPreInitialState(scope, { type: 'xstate.init', input }, [])
      return like(pattern, context, children)
    } catch (error) {
      return { ...pattern, status: 'error', error } as AnyMachineSnapshot
    }
  }

  /** As `machine.restoreSnapshot`. */
  restored(machine: AnyStateMachine, scope: AnyActorScope, stored: Snapshot<unknown>): AnyMachineSnapshot {
    const { status, value, children, historyValue, context } = stored as Plain
    const plain = status === 'active' && value !== undefined && nothingIn(children) && nothingIn(historyValue)
    if (!plain || holdsMark(context)) return machine.restoreSnapshot(stored, scope)
    const { stored: patterns } = this.#of(machine)
    const key = keyOfValue(value)
    const pattern = patterns.get(key)
    if (pattern !== undefined) return like(pattern, context, pattern.children)
    const first = machine.restoreSnapshot(stored, scope)
    if (patterns.size < STATES) patterns.set(key, patternOf(first))
    return first
  }
}

function patternOf(snapshot: AnyMachineSnapshot): Pattern {
  return { ...slim(snapshot), context: undefined, children: NOTHING } as unknown as Pattern
}

function nothingIn(part: object | undefined): boolean {
  return part !== undefined && isEmpty(part)
}

/** True if to enter the node is to do nothing else. */
function entersQuietly(node: AnyStateNode): boolean {
  const { type, entry, invoke, always, initial } = node
  if (entry.length > 0 || invoke.length > 0 || (always?.length ?? 0) > 0) return false
  const states = Object.values(node.states as Readonly<Record<string, AnyStateNode>>)
  switch (type) {
    case 'atomic':
      return true
    case 'parallel':
      return (initial?.actions.length ?? 0) === 0 && states.every((state) => state.type === 'history' || entersQuietly(state))
    case 'compound': {
      const [target, ...others] = initial.target ?? []
      return initial.actions.length === 0 && target?.parent === node && others.length === 0 && entersQuietly(target)
    }
    default:
      return false
  }
}

// Deeper than this it may be a circle: from there on each object is looked at once.
const DEEP = 32

function holdsMark(part: unknown, depth = 0, seen?: Set<object>): boolean {
  if (typeof part !== 'object' || part === null) return false
  if ((part as { readonly xstate$$type?: unknown }).xstate$$type === ACTOR_MARK) return true
  const once = depth < DEEP ? seen : (seen ?? new Set<object>())
  if (once?.has(part) === true) return false
  once?.add(part)
  if (Array.isArray(part)) {
    for (let at = 0; at < part.length; at++) if (holdsMark(part[at], depth + 1, once)) return true
    return false
  }
  for (const key in part) if (holdsMark((part as Record<string, unknown>)[key], depth + 1, once)) return true
  return false
}
