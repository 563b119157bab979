import { isGridError, type Clock, type Grid, type TraceContext } from '@stigmergy/grid'
import { quote } from '../check.ts'
import type { DeadLetterBox } from '../mailbox/dead-letters.ts'
import type { AgentEvent, Sender } from '../mailbox/envelope.ts'
import { CoreError } from '../errors.ts'
import type { Guests } from '../guests.ts'
import type { Inbox } from '../mailbox/inbox.ts'
import { INTO } from './effect-marks.ts'
import type { Attempt, Doer, EffectData, EffectOrigin } from './outbox.ts'
import type { PutMaps } from './put-maps.ts'

/** What comes with a command. */
export interface CommandInfo {
  /** By it an actuator refuses repeats, and what a replaced activation commands (I3). Undefined: the agent is not `gated`. */
  readonly origin: EffectOrigin | undefined
  readonly trace: TraceContext | undefined
}

/** Moves something outside. What it throws or rejects with is tried again for a `gated` agent, and is a dead letter for others. */
export type Actuator = (payload: unknown, info: CommandInfo) => void | Promise<void>

export interface DoerOptions {
  readonly grid: Grid
  readonly clock: Clock
  readonly guests: Guests
  readonly deadLetters: DeadLetterBox
  readonly actuators: ReadonlyMap<string, Actuator>
  readonly maps: PutMaps
  /** The inbox of a running agent. */
  inbox(agentId: string): Inbox | undefined
}

/** Does what agents send, write and command as data. */
export function createDoer({ grid, clock, guests, deadLetters, actuators, maps, inbox }: DoerOptions): Doer {
  /** What was given up, by what its dead letter says. */
  const givenUp = new WeakMap<AgentEvent, EffectData>()
  /** By agent, of those that are done once; undefined: it was replayed. */
  const underWay = new Map<string | undefined, number>()

  function count(agentId: string | undefined, by: 1 | -1): void {
    const left = (underWay.get(agentId) ?? 0) + by
    if (left === 0) underWay.delete(agentId)
    else underWay.set(agentId, left)
  }

  function lost(effect: EffectData, trace: TraceContext | undefined): void {
    const [agentId, event] =
      effect.kind === 'send' ? [effect.to, effect.event] : [effect.kind === 'put' ? effect.map : effect.actuator, letterOf(effect)]
    if (effect.kind !== 'send') givenUp.set(event, effect)
    guests.tell('onDeadLetter', deadLetters.add({ agentId, event, reason: 'undeliverable', atMs: clock.now(), trace, id: undefined }))
  }

  /** A write that was given up, or a command. */
  function letterOf(effect: EffectData): AgentEvent {
    const { [INTO]: _, ...data } = effect as EffectData & { readonly kind: 'put' }
    const why = effect.kind === 'put' ? maps.lacks(effect) : undefined
    return { ...data, type: `agent.${effect.kind}`, ...(why !== undefined && { why }) } as AgentEvent
  }

  async function perform(effect: EffectData, origin: EffectOrigin | undefined, trace: TraceContext | undefined): Promise<Attempt> {
    const slot = grid.trace
    const outer = slot.current
    slot.current = trace
    let done: unknown
    try {
      if (effect.kind === 'put') {
        const map = maps.of(effect)
        if (map === undefined) return 'later'
        done = map.put(effect.key, effect.value)
      } else if (effect.kind === 'command') done = actuators.get(effect.actuator)?.(effect.payload, { origin, trace })
    } catch (error) {
      return refusal(error)
    } finally {
      slot.current = outer
    }
    if (effect.kind === 'command' && !actuators.has(effect.actuator)) return 'later'
    try {
      await done
      return 'done'
    } catch (error) {
      return refusal(error)
    }
  }

  function once(effect: EffectData, trace: TraceContext | undefined, agentId?: string): void {
    if (effect.kind === 'send') {
      const receiver = inbox(effect.to)
      if (receiver === undefined) lost(effect, trace)
      else receiver.post(effect.event, trace)
      return
    }
    count(agentId, 1)
    void perform(effect, undefined, trace).then((attempt) => {
      count(agentId, -1)
      if (attempt !== 'done') lost(effect, trace)
    })
  }

  return {
    lost,
    once,
    act: perform,
    reach: (entries, agent) => maps.reach(entries, agent),
    get busy() {
      return underWay.size > 0
    },
    busyFor: (agentId) => underWay.has(agentId),
    again(letter, to, trace) {
      const effect = givenUp.get(letter)
      if (effect === undefined || effect.kind === 'send') return false
      once(effect.kind === 'put' ? intoMap(effect, to) : { ...effect, actuator: to }, trace)
      return true
    },
    send({ to, event }, origin, trace, ended) {
      const receiver = inbox(to)
      if (receiver === undefined) return 'later'
      let refused: 'later' | 'lost' | undefined
      let accepted = false
      const sender: Sender = {
        live: true,
        lost(reason) {
          // A full mailbox has room again, and who has stopped may come back. What broke its receiver, or is no event, never gets better.
          const attempt = reason === 'stopped' || reason === 'stash-full' || (reason === 'mailbox-full' && !accepted) ? 'later' : 'lost'
          if (accepted) ended(attempt)
          else refused = attempt
          return attempt === 'later'
        },
        handled: () => ended('done'),
      }
      const taken = receiver.post(event, trace, sender, undefined, origin)
      accepted = true
      return taken ? 'accepted' : (refused ?? 'later')
    },
  }
}

/** The same in the map of that name: where it is another one, that is for the grid to know. */
function intoMap(effect: EffectData & { readonly kind: 'put' }, to: string): EffectData {
  if (to === effect.map) return effect
  const { key, value } = effect
  return { kind: 'put', map: to, key, value }
}

/** What the grid will never take does not get better. */
function refusal(error: unknown): 'lost' | 'later' {
  return isGridError(error, 'BAD_KEY') || isGridError(error, 'BAD_VALUE') || isGridError(error, 'BAD_OPTION') ? 'lost' : 'later'
}

/** Checks the option. Throws `CoreError` BAD_OPTION. */
export function resolveActuators(given: Readonly<Record<string, Actuator>> = {}): ReadonlyMap<string, Actuator> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new CoreError('BAD_OPTION', `actuators is ${quote(given)}: give functions, by name`)
  }
  for (const [name, actuator] of Object.entries(given)) {
    if (typeof actuator !== 'function') throw new CoreError('BAD_OPTION', `actuators.${name} is ${quote(actuator)}: give a function`)
  }
  return new Map(Object.entries(given))
}
