import type { GridMap } from '@stigmergy/grid'
import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate'
import { choiceOption, functionOption, numberOption, optionsOf, quote, textOption, type Names } from './check.ts'
import { resolveCheckpointSpan, type CheckpointSpan } from './durability/checkpoint-options.ts'
import { CoreError } from './errors.ts'
import { resolveGateOptions, type GateOptions } from './durability/gate-options.ts'
import { resolveRetryable, type Retryable } from './cell/interrupted.ts'
import type { LifeOptions } from './life/life-options.ts'
import { resolveMailboxOptions, type MailboxOptions, type ResolvedMailboxOptions } from './mailbox/mailbox.ts'
import { resolveNeeds, type Need } from './dependencies/need.ts'
import { resolveMigrations, type Migration } from './durability/migration.ts'
import type { Durability } from './life/owner.ts'
import type { StashWhile } from './mailbox/stash.ts'
import { resolveSupervisionOptions, type ResolvedSupervisionOptions, type SupervisionOptions } from './supervision/supervisor.ts'
import { resolveTimers, type TimerClocks, type TimerPolicies } from './cell/timer-policy.ts'
import { resolveWatch, type WatchBinding } from './world.ts'

/**
 * No constraint, if the machine takes the changes of a map of that name with such values; else a text that no map is.
 * A machine that names no events takes all.
 */
type Watchable<TEvent extends { readonly type: string }, K, V> = [TEvent] extends [never]
  ? unknown
  : string extends TEvent['type']
    ? unknown
    : K extends string
      ? string extends K
        ? unknown
        : [Extract<TEvent, { readonly type: `${K}.${'put' | 'remove' | 'expire' | 'resync'}` }>] extends [never]
          ? `the machine has no event of a map named ${K}`
          : V extends ValueOf<Extract<TEvent, { readonly type: `${K}.put` }>>
            ? unknown
            : `the machine expects other values of the map ${K}`
      : unknown

type Watched<TLogic extends AnyStateMachine, TWorld> = {
  readonly [K in keyof TWorld]: Watchable<EventFromLogic<TLogic>, K, TWorld[K]>
}

type ValueOf<TEvent> = [TEvent] extends [never] ? unknown : TEvent extends { readonly value: infer V } ? V : unknown

/** `TWorld`: the values of the watched maps, by name. */
export interface SpawnOptions<
  TLogic extends AnyStateMachine,
  TWorld extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>,
> {
  /** Unique in the system. @default machine.id with a number */
  readonly id?: string
  /** Kind of agent: names its spans, guards its stored state. @default machine.id */
  readonly type?: string
  /** Part of the decision pipeline it does: `perception`, `planning`, ... */
  readonly stage?: string
  readonly input?: InputFrom<TLogic>
  /** Maps whose changes become this agent's events; the present entries come first, as puts. */
  readonly watch?: { readonly [K in keyof TWorld]: GridMap<TWorld[K]> | WatchBinding<TWorld[K]> } & Watched<TLogic, NoInfer<TWorld>>
  /**
   * `checkpoint`: the state is written to the store behind each transition that changed it, and a restart resumes from
   * there. An agent spawned under an id that the store knows resumes as well.
   * `gated`: as `checkpoint`, and nothing leaves the agent before the state that caused it is committed. @default 'none'
   */
  readonly durability?: Durability
  /** For `durability: 'gated'`. */
  readonly gate?: GateOptions
  /** When its delayed events are due after a restore. @default 'restart' */
  readonly timers?: TimerPolicies
  /**
   * Invoked promises, by `src` or id, that may be run a second time when the agent is restored. Of the others the machine is told
   * by `onError`, with a `CoreError` INTERRUPTED. Callbacks and observables always begin anew. @default none
   */
  readonly retryable?: Retryable
  /** For `durability: 'checkpoint'`. */
  readonly checkpoint?: CheckpointSpan
  /**
   * After so many milliseconds without an event its state is stored and its machine let go, as by `evict`; at the latest after twice that
   * time. Not for agents without durability. @default never
   */
  readonly passivateAfterMs?: number
  /** Steps from the versions of the machine that may be stored to this one. A version without a way is refused. */
  readonly migrations?: readonly Migration[]
  readonly mailbox?: MailboxOptions
  /**
   * Events that wait aside while this is true, asked before an event is handled and again after each change of the state:
   * `(event, state) => event.type === 'pick' && state.matches('picking')`. They come back in their order, before newer events.
   * Changes of watched maps and events of the system are never set aside. Must be pure.
   */
  readonly stash?: (event: EventFromLogic<TLogic>, snapshot: SnapshotFrom<TLogic>) => boolean
  /**
   * What its work depends on: `{ parts: { map: parts, maxAgeMs: 50 }, planner: { dependency: api }, store: { store: true } }`. It is told
   * `agent.degraded` and `agent.recovered`, before any other event.
   */
  readonly needs?: Readonly<Record<string, Need>>
  readonly supervision?: SupervisionOptions
}

/** True if its input may be left out: it says nothing of it, or takes undefined. */
type NeedsNone<TLogic extends AnyStateMachine> = [InputFrom<TLogic>] extends [never]
  ? true
  : undefined extends InputFrom<TLogic>
    ? true
    : false

/** A machine that needs an input is not spawned without one. */
export type RequiredInput<TLogic extends AnyStateMachine> = NeedsNone<TLogic> extends true ? unknown : { readonly input: InputFrom<TLogic> }

/** What may stand where options are expected: undefined, if it needs no input. */
export type NoneGiven<TLogic extends AnyStateMachine> = NeedsNone<TLogic> extends true ? undefined : never

/** What `spawn` takes besides a machine that is given no options: nothing, if it needs no input. */
export type NoOptions<TLogic extends AnyStateMachine> = NeedsNone<TLogic> extends true ? [] : [options: RequiredInput<TLogic>]

export interface SpawnDefaults {
  readonly mailbox: ResolvedMailboxOptions
  readonly supervision: ResolvedSupervisionOptions
  readonly timers: TimerClocks
  newId(machineId: string): string
}

/** Ids for agents that are given none: that of the machine, with a number. */
export function createIds(taken: (id: string) => boolean): (machineId: string) => string {
  let spawned = 0
  return (machineId) => {
    let id: string
    do id = `${machineId}-${++spawned}`
    while (taken(id))
    return id
  }
}

// Not instanceof: there may be two copies of XState, of which one made the machine.
export function isMachine(value: unknown): value is AnyStateMachine {
  const machine = value as Partial<AnyStateMachine> | null | undefined
  return typeof machine?.transition === 'function' && typeof machine.restoreSnapshot === 'function' && typeof machine.root === 'object'
}

/** Of a version that is no string nobody could say later which one it was. Throws `CoreError` BAD_MACHINE. */
export function checkVersion({ id, version }: { readonly id: string; readonly version?: unknown }): void {
  if (version === undefined || typeof version === 'string') return
  throw new CoreError('BAD_MACHINE', `the version of machine ${quote(id)} is ${quote(version)}: give a string`)
}

function resolvePassivation({
  passivateAfterMs,
  durability,
}: Pick<SpawnOptions<AnyStateMachine>, 'passivateAfterMs' | 'durability'>): number {
  const resolved = numberOption('passivateAfterMs', passivateAfterMs, Infinity, 1, Infinity)
  if (resolved === Infinity || durability === 'checkpoint' || durability === 'gated') return resolved
  throw new CoreError(
    'BAD_OPTION',
    `passivateAfterMs is ${resolved}, and the agent is not stored: give it durability 'checkpoint' or 'gated'`,
  )
}

const NAMES: Names<SpawnOptions<AnyStateMachine>> = {
  id: true,
  type: true,
  stage: true,
  input: true,
  watch: true,
  durability: true,
  gate: true,
  timers: true,
  retryable: true,
  checkpoint: true,
  passivateAfterMs: true,
  migrations: true,
  mailbox: true,
  stash: true,
  needs: true,
  supervision: true,
}

/** Checks the options. Throws `CoreError` BAD_MACHINE or BAD_OPTION. */
export function resolveSpawnOptions<TLogic extends AnyStateMachine>(
  machine: TLogic,
  options: SpawnOptions<TLogic>,
  defaults: SpawnDefaults,
): LifeOptions {
  if (!isMachine(machine)) {
    throw new CoreError('BAD_MACHINE', `${quote(machine)} is no XState v5 state machine: make one with setup(...).createMachine(...)`)
  }
  checkVersion(machine)
  optionsOf('spawn', options as SpawnOptions<AnyStateMachine>, NAMES)
  const id = textOption('id', options.id, undefined) ?? defaults.newId(machine.id)
  const type = textOption('type', options.type, machine.id)
  return {
    agent: { id, type, stage: textOption('stage', options.stage, undefined) },
    machine,
    input: options.input,
    mailbox: resolveMailboxOptions(options.mailbox, defaults.mailbox),
    supervision: resolveSupervisionOptions(options.supervision, defaults.supervision),
    watch: resolveWatch(options.watch),
    needs: resolveNeeds(options.needs),
    timers: resolveTimers(options.timers, defaults.timers),
    retryable: resolveRetryable(options.retryable),
    checkpoint: resolveCheckpointSpan(options.checkpoint),
    passivateAfterMs: resolvePassivation(options),
    migrations: resolveMigrations(options.migrations),
    gate: resolveGateOptions(options.gate),
    stash: options.stash === undefined ? undefined : functionOption('stash', options.stash as StashWhile),
    durability: choiceOption('durability', options.durability, 'none', ['none', 'checkpoint', 'gated']),
  }
}
