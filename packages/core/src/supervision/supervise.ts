import type { AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import type { TreeNode } from '../cell/child.ts'
import { choiceOption, integerOption, quote, textOption } from '../check.ts'
import { CoreError } from '../errors.ts'
import { isMachine, type NoneGiven, type NoOptions, type RequiredInput, type SpawnOptions } from '../spawn.ts'
import type { Restart, Strategy } from './strategy.ts'
import type { SupervisionOptions } from './supervisor.ts'

export interface ChildOptions {
  /**
   * `permanent`: whenever it ends by itself; `transient`: when it fails; `temporary`: never. What was stopped is not restarted, nor
   * what lost its state to another activation. @default 'transient'
   */
  readonly restart?: Restart
  /** How long it may take to stop, in milliseconds. @default 5000 */
  readonly shutdownMs?: number
}

/** An agent under a supervisor, made by `child`. */
export interface AgentSpec {
  readonly machine: AnyStateMachine
  readonly options: SpawnOptions<AnyStateMachine> & ChildOptions
}

/** A supervisor and its children. Names and meanings after Erlang/OTP's supervisor. */
export interface SupervisorSpec extends SupervisionOptions, ChildOptions {
  /** Unique among the supervisors of the system. */
  readonly id: string
  /** What is restarted when a child fails: it alone, all children, or it and those started after it. @default 'one-for-one' */
  readonly strategy?: Strategy
  /** Started in this order, each after the one before it has started; stopped in reverse order. */
  readonly children?: readonly (AgentSpec | SupervisorSpec)[]
}

/** A running supervisor. */
export interface SupervisorRef {
  readonly id: string
  readonly status: 'running' | 'restarting' | 'stopped' | 'failed'
  /** Restarts of its children so far. */
  readonly restarts: number
  /** Ids of its children, in order of their start. */
  readonly children: readonly string[]
  /** Starts an agent as its last child. Throws what `system.spawn` throws. */
  spawn<TLogic extends AnyStateMachine, TWorld extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>>(
    machine: TLogic,
    options: (Omit<SpawnOptions<TLogic, TWorld>, 'supervision'> & ChildOptions & RequiredInput<TLogic>) | NoneGiven<TLogic>,
  ): Promise<AgentRef<TLogic>>
  spawn<TLogic extends AnyStateMachine>(machine: TLogic, ...none: NoOptions<TLogic>): Promise<AgentRef<TLogic>>
  /** Starts a supervisor as its last child. */
  supervise(spec: SupervisorSpec): Promise<SupervisorRef>
  tree(): TreeNode
  /**
   * Stops its children in reverse order, each within its `shutdownMs`: one after the other, or with `one-for-one` together. Rejects
   * with the first error; all are stopped then as well.
   */
  stop(): Promise<void>
}

/**
 * An agent for the `children` of a supervisor: `child(machine, { id: 'camera', restart: 'permanent' })`. Throws `CoreError` BAD_MACHINE or
 * BAD_OPTION.
 */
export function child<TLogic extends AnyStateMachine, TWorld extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>>(
  machine: TLogic,
  options: (Omit<SpawnOptions<TLogic, TWorld>, 'supervision'> & ChildOptions & RequiredInput<TLogic>) | NoneGiven<TLogic>,
): AgentSpec
export function child<TLogic extends AnyStateMachine>(machine: TLogic, ...none: NoOptions<TLogic>): AgentSpec
export function child(machine: AnyStateMachine, options: object = {}): AgentSpec {
  if (!isMachine(machine)) throw new CoreError('BAD_MACHINE', `a child is ${quote(machine)}: give an XState v5 state machine`)
  if (typeof options !== 'object' || options === null)
    throw new CoreError('BAD_OPTION', `options of a child are ${quote(options)}: give an object`)
  return { machine, options: options as unknown as AgentSpec['options'] }
}

export function isAgentSpec(spec: AgentSpec | SupervisorSpec): spec is AgentSpec {
  return 'machine' in spec
}

export interface ResolvedChildOptions {
  readonly restart: Restart
  readonly shutdownMs: number
}

const RESTARTS = ['permanent', 'transient', 'temporary'] as const
const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const

/** Checks the options. Throws `CoreError` BAD_OPTION. */
export function resolveChildOptions(options: ChildOptions & { readonly supervision?: unknown }): ResolvedChildOptions {
  if (typeof options !== 'object' || options === null)
    throw new CoreError('BAD_OPTION', `options of a child are ${quote(options)}: give an object`)
  if (options.supervision !== undefined) {
    throw new CoreError('BAD_OPTION', `supervision is ${quote(options.supervision)}: an agent under a supervisor has none of its own`)
  }
  return {
    restart: choiceOption('restart', options.restart, 'transient', RESTARTS),
    shutdownMs: integerOption('shutdownMs', options.shutdownMs, 5000, 0),
  }
}

const NAMES = ['id', 'strategy', 'children', 'restart', 'shutdownMs', 'maxRestarts', 'withinMs', 'backoff']

/** Checks a spec and all below it, before anything is started. Throws `CoreError` BAD_OPTION. */
export function checkSpec(spec: SupervisorSpec): void {
  if (typeof spec !== 'object' || spec === null)
    throw new CoreError('BAD_OPTION', `a child is ${quote(spec)}: give child(machine) or a supervisor`)
  const wrong = Object.keys(spec).find((name) => !NAMES.includes(name))
  if (wrong !== undefined) throw new CoreError('BAD_OPTION', `a supervisor has no option ${quote(wrong)}: give ${NAMES.join(', ')}`)
  if (textOption('supervisor id', spec.id, undefined) === undefined) throw new CoreError('BAD_OPTION', 'a supervisor has no id: give one')
  if (spec.children !== undefined && !Array.isArray(spec.children)) {
    throw new CoreError('BAD_OPTION', `children of ${quote(spec.id)} is ${quote(spec.children)}: give an array`)
  }
  resolveChildOptions(spec)
  strategyOf(spec)
  for (const part of spec.children ?? []) {
    if (typeof part === 'object' && part !== null && isAgentSpec(part)) resolveChildOptions(part.options)
    else checkSpec(part as SupervisorSpec)
  }
}

export function strategyOf(spec: SupervisorSpec): Strategy {
  return choiceOption('strategy', spec.strategy, 'one-for-one', STRATEGIES)
}

/** What a supervisor says of restarts, without the rest of its spec. */
export function supervisionOf({ maxRestarts, withinMs, backoff }: SupervisorSpec): SupervisionOptions {
  return {
    ...(maxRestarts !== undefined && { maxRestarts }),
    ...(withinMs !== undefined && { withinMs }),
    ...(backoff !== undefined && { backoff }),
  }
}
