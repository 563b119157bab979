import type { AgentInfo, StateShape } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import type { Labels } from './labels.ts'
import type { BoundCounter, Instruments } from './metrics/instruments.ts'
import type { Ended } from './stages.ts'
import { VIOLATION_TAG } from './recorder/keep-rules.ts'

/** The states of a machine that are violations, by their paths. */
type ViolationStates = ReadonlySet<string>

/** Those of the machine with that root state. */
function violationStates(root: StateShape): ViolationStates {
  const found = new Set<string>()
  const look = (state: StateShape, path: string): void => {
    if (state.tags.includes(VIOLATION_TAG)) found.add(path)
    for (const [key, child] of Object.entries(state.states)) look(child, pathOf(path, key))
  }
  look(root, '')
  return found
}

/**
 * Counts the violations that agents enter in `agent_violations_total`. `violated` is told the context of each transition that entered one.
 * Not seen: one that is entered and left in one macrostep, and one whose entry action throws, as that state is never reached.
 */
export class Violations {
  readonly #counterOf: (agent: AgentInfo) => BoundCounter
  readonly #violated: (context: TraceContext | undefined) => void
  /** By the root state of a machine, and of the agents that have it. */
  readonly #machines = new WeakMap<StateShape, ViolationStates>()
  readonly #agents = new WeakMap<AgentInfo, ViolationStates>()

  constructor(instruments: Instruments, labels: Labels, violated: (context: TraceContext | undefined) => void) {
    const counter = instruments.counter('agent_violations_total')
    this.#counterOf = (agent) => counter.bind(labels.ofType(agent))
    this.#violated = violated
  }

  /** An agent is there. Its counter begins at 0, so that the first violation is seen. */
  spawned(agent: AgentInfo, root: StateShape | undefined): void {
    this.#counterOf(agent).add(0)
    if (root === undefined) return
    let states = this.#machines.get(root)
    if (states === undefined) this.#machines.set(root, (states = violationStates(root)))
    this.#agents.set(agent, states)
  }

  /** It begins with a state that has these tags. */
  began(agent: AgentInfo, tags: ReadonlySet<string>): void {
    if (tags.has(VIOLATION_TAG)) this.#counterOf(agent).add(1)
  }

  ended(end: Ended): void {
    if (!enteredViolation(end, this.#agents.get(end.agent))) return
    this.#counterOf(end.agent).add(1)
    this.#violated(end.context)
  }
}

/** True if the transition entered a violation: also from another one, or while another region is in one. */
function enteredViolation(end: Pick<Ended, 'from' | 'to' | 'tagsBefore' | 'tagsAfter'>, states: ViolationStates | undefined): boolean {
  if (!end.tagsAfter.has(VIOLATION_TAG)) return false
  if (!end.tagsBefore.has(VIOLATION_TAG)) return true
  if (end.from === end.to || states === undefined || states.size < 2) return false
  const before = activePaths(end.from)
  for (const path of activePaths(end.to)) if (states.has(path) && !before.has(path)) return true
  return false
}

/** Paths of the states that a state value names: `{"a":"b"}` is in a, and in b of it. */
function activePaths(text: string): ReadonlySet<string> {
  const paths = new Set<string>()
  const look = (value: unknown, path: string): void => {
    if (typeof value === 'string') paths.add(pathOf(path, value))
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        paths.add(pathOf(path, key))
        look(inner, pathOf(path, key))
      }
    }
  }
  look(text.startsWith('{') ? JSON.parse(text) : text, '')
  return paths
}

function pathOf(parent: string, key: string): string {
  return `${parent}\n${key}`
}
