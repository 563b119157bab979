import type { AnyStateMachine, AnyStateNode, StateValue } from 'xstate'
import { isEmpty } from '../cell/slim.ts'
import type { AgentRecord } from '../durability/record.ts'

const NEWS = 'agent.restored'

export interface SleepRules {
  /** True for a stored state that may stay as it is until an event comes. */
  maySleep(machine: AnyStateMachine, record: AgentRecord): boolean
  /** The same of one that is nothing but a state and a context. */
  mayRest(machine: AnyStateMachine, value: StateValue): boolean
}

/**
 * What is restored may sleep if being awake would make no difference: nothing runs in its state (no child, no delayed event, no effect
 * that is not done), nothing in it happens by itself, and its machine does not listen to `agent.restored`. One for a system: what it
 * finds out of a machine it remembers.
 */
export function createSleepRules(): SleepRules {
  const deaf = new WeakMap<AnyStateMachine, boolean>()
  const quiet = new WeakMap<AnyStateMachine, Map<string, boolean>>()

  function isDeaf(machine: AnyStateMachine): boolean {
    let known = deaf.get(machine)
    if (known === undefined) {
      // Those that do something: XState leaves the others out.
      known = !(machine.events as readonly string[]).some(hearsNews)
      deaf.set(machine, known)
    }
    return known
  }

  function isQuiet(machine: AnyStateMachine, value: StateValue): boolean {
    if (typeof value !== 'string') return rests(machine.root, value)
    let values = quiet.get(machine)
    if (values === undefined) {
      values = new Map()
      quiet.set(machine, values)
    }
    let known = values.get(value)
    if (known === undefined) {
      known = rests(machine.root, value)
      // As many as the machine has states; what is stored of others is remembered too, but not without bound (I6).
      if (values.size < 1000) values.set(value, known)
    }
    return known
  }

  const mayRest = (machine: AnyStateMachine, value: StateValue): boolean => isDeaf(machine) && isQuiet(machine, value)

  return {
    mayRest,
    maySleep(machine, { snapshot, timers, outbox }) {
      if (snapshot.status !== 'active' || timers.length > 0 || (outbox !== undefined && outbox.length > 0)) return false
      if (snapshot.children !== undefined && !isEmpty(snapshot.children)) return false
      return mayRest(machine, (snapshot as unknown as { readonly value: StateValue }).value)
    },
  }
}

/** True for a descriptor that takes the news of a restore: itself, or with a wildcard. */
function hearsNews(descriptor: string): boolean {
  if (descriptor === '*' || descriptor === NEWS) return true
  return descriptor.endsWith('.*') && NEWS.startsWith(descriptor.slice(0, -1))
}

/** True if in this state of the node nothing happens by itself. False as well for a state that the node does not have. */
function rests(node: AnyStateNode, value: StateValue): boolean {
  if (node.invoke.length > 0 || node.after.length > 0 || (node.always?.length ?? 0) > 0) return false
  const below: readonly (readonly [string, StateValue])[] =
    typeof value === 'string' ? [[value, {}]] : (Object.entries(value) as [string, StateValue][])
  const { states } = node as { readonly states: Readonly<Record<string, AnyStateNode>> }
  // As many regions as the node has: all of a parallel one, one of a compound one, none of an atomic one.
  const regions = node.type === 'parallel' ? Object.keys(states).length : node.type === 'compound' ? 1 : 0
  return below.length === regions && below.every(([key, inner]) => states[key] !== undefined && rests(states[key], inner))
}
