import type { AnyStateMachine } from 'xstate'
import type { Origin } from './owner.ts'
import type { Guests } from '../guests.ts'
import type { AgentInfo, StateShape } from '../hooks.ts'

/** An agent is there. */
export function tellSpawn(guests: Guests, agent: AgentInfo, machine: AnyStateMachine): void {
  guests.tell('onSpawn', agent, machine.events as readonly string[], machine.root as StateShape)
}

/** What it begins with was entered, though by no transition. A stored state was told when it was. */
export function tellBegun(guests: Guests, agent: AgentInfo, { stored }: Pick<Origin, 'stored'>, tags: ReadonlySet<string>): void {
  if (stored === undefined && tags.size > 0) guests.tell('onBegin', agent, tags)
}
