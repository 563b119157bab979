import type { GridMap } from '@stigmergy/grid'
import type { AnyActorRef, EventObject, ExecutableActionObject, MachineContext } from 'xstate'
import { nameOption, partsOption, quote } from '../check.ts'
import { isSendable, type AgentEvent } from '../mailbox/envelope.ts'
import { CoreError } from '../errors.ts'
import { DATA, INTO } from './effect-marks.ts'
import type { Gate } from './gate.ts'
import type { EffectData } from './outbox.ts'
import type { Tree } from '../cell/tree.ts'

/** What an action is called with. */
export interface EffectArgs<TContext extends MachineContext, TEvent extends EventObject> {
  readonly context: TContext
  readonly event: TEvent
}

/** An action of a machine that is an agent, or a child of one. It may stand wherever XState takes an action. */
export type EffectAction<TContext extends MachineContext, TEvent extends EventObject> = (
  args: EffectArgs<TContext, TEvent> & { readonly self: AnyActorRef },
  params?: unknown,
) => void

type From<TContext extends MachineContext, TEvent extends EventObject, T> = T | ((args: EffectArgs<TContext, TEvent>) => T)

function action<TContext extends MachineContext, TEvent extends EventObject>(
  name: string,
  data: (args: EffectArgs<TContext, TEvent>) => EffectData,
  map?: GridMap<unknown>,
): EffectAction<TContext, TEvent> {
  const run: EffectAction<TContext, TEvent> = (args) => {
    const host = hostOf(args.self)
    if (host === undefined) throw new CoreError('NO_AGENT', `${name} was run by a machine that is no agent and no child of one`)
    host.dispatch(data(args))
  }
  return Object.assign(run, { [DATA]: map ?? true })
}

function value<TContext extends MachineContext, TEvent extends EventObject, T>(
  from: From<TContext, TEvent, T>,
  args: EffectArgs<TContext, TEvent>,
): T {
  return typeof from === 'function' ? (from as (args: EffectArgs<TContext, TEvent>) => T)(args) : from
}

/**
 * Sends an event to another agent, by id. With `durability: 'gated'` it is stored with the state that sends it, leaves once that is
 * committed, is sent again after a crash until the receiver has it, and a receiver that is durable too drops the second copy (I2, I3).
 * It must be data then: the step that says what would not come back from the store fails with `CoreError` BAD_STATE.
 */
export function send<TContext extends MachineContext, TEvent extends EventObject, TSent extends AgentEvent>(
  to: From<TContext, TEvent, string>,
  event: From<TContext, TEvent, TSent>,
): EffectAction<TContext, TEvent> {
  if (typeof to !== 'function') nameOption('send() to', to)
  if (typeof event !== 'function' && !isSendable(event)) {
    throw new CoreError('BAD_OPTION', `send() of ${quote(event)}: give an event such as { type: 'ready' }, or a function that makes one`)
  }
  return action('send()', (args) => ({ kind: 'send', to: value(to, args), event: value(event, args) }))
}

/**
 * Writes an entry of a map: this one, of its grid and guarded as it is. Stored and repeated as `send` is: after a crash the same value may
 * be put once more. What is stored is the map's name: the next process does it by the map of that name that its machine puts into, that the
 * agent watches or that is open in the grid of the system, and waits until there is one (see `maps` of `createSystem`).
 */
export function put<TContext extends MachineContext, TEvent extends EventObject, V>(
  map: GridMap<V>,
  key: From<TContext, TEvent, string>,
  entry: From<TContext, TEvent, V>,
): EffectAction<TContext, TEvent> {
  partsOption('put() into', map ?? null, ['put', 'watch'], 'a map of a grid')
  const into = map as GridMap<unknown>
  return action('put()', (args) => ({ kind: 'put', map: map.name, key: value(key, args), value: value(entry, args), [INTO]: into }), into)
}

/** Commands an actuator of the system, by name. Stored and repeated as `send` is; the actuator tells repeats by `SeenEffects`. */
export function command<TContext extends MachineContext, TEvent extends EventObject>(
  actuator: string,
  payload: From<TContext, TEvent, object | string | number | boolean | bigint | null | undefined>,
): EffectAction<TContext, TEvent> {
  if (typeof actuator !== 'string' || actuator === '') {
    throw new CoreError('BAD_OPTION', `command() names the actuator ${quote(actuator)}: give a non-empty string`)
  }
  return action('command()', (args) => ({ kind: 'command', actuator, payload: value(payload, args) }))
}

interface Rooted {
  readonly _parent?: AnyActorRef & Rooted
  dispatch?(effect: EffectData): void
}

interface Agent {
  readonly gate: Gate | undefined
  dispatch(effect: EffectData): void
}

/** The agent whose machine, or whose child, this is. Undefined: an actor of plain XState. */
function hostOf(self: AnyActorRef): Agent | undefined {
  let root: Rooted = self as unknown as Rooted
  while (root._parent !== undefined) root = root._parent as Rooted
  return typeof root.dispatch === 'function' ? (root as unknown as Agent) : undefined
}

/** The gate of the agent that a child of a gated one belongs to. */
export function gateOf(self: AnyActorRef): Gate {
  return hostOf(self)?.gate as Gate
}

const INSIDE = new Set(['xstate.spawnChild', 'xstate.raise', 'xstate.cancel', 'xstate.stopChild'])

/** True if the effect does something outside the agent and its children, or may (I2). */
export function leavesTree({ type, params, exec }: ExecutableActionObject, tree: Tree | undefined): boolean {
  if (exec !== undefined && DATA in exec) return false
  if (INSIDE.has(type)) return false
  if (type !== 'xstate.sendTo') return true
  const { to, delay } = params as { readonly to: { readonly system?: unknown }; readonly delay: unknown }
  // A delayed one waits with the timers.
  return typeof delay !== 'number' && to.system !== tree
}

/** Those that XState runs once the step is done, in order with the stops of children. */
export function runsLate({ type }: ExecutableActionObject): boolean {
  return type === 'xstate.emit' || type === 'xstate.sendTo'
}
