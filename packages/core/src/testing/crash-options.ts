import type { AnyStateMachine, InputFrom } from 'xstate'
import { numberOption, optionsOf, quote, textOption, type Names } from '../check.ts'
import { lostIn } from '../durability/lost-in.ts'
import { CoreError } from '../errors.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import { resolveMailboxOptions } from '../mailbox/mailbox.ts'
import { isMachine, resolveSpawnOptions, type SpawnDefaults, type SpawnOptions } from '../spawn.ts'
import { resolveSupervisionOptions } from '../supervision/supervisor.ts'

export interface CrashEverywhereOptions<TLogic extends AnyStateMachine = AnyStateMachine> {
  /** Id of the agent. @default machine.id */
  readonly id?: string
  readonly input?: InputFrom<TLogic>
  /** Ids of agents it sends to: probes stand in for them. @default none */
  readonly peers?: readonly string[]
  /** Names of actuators it commands. @default none */
  readonly actuators?: readonly string[]
  /** Maps of the grid whose entries are compared in the end. @default none */
  readonly maps?: readonly string[]
  /** Virtual time between two events, and after the last one, in milliseconds. @default 50 */
  readonly everyMs?: number
  /**
   * Virtual time that is looked at once all events were taken and a crash was made good, in milliseconds: what it does later is not seen.
   * @default 1000
   */
  readonly settleMs?: number
  /** How it is spawned otherwise: what it may run again, when its timers are due, ... @default as an agent that says nothing */
  readonly spawn?: Pick<SpawnOptions<TLogic>, 'retryable' | 'timers' | 'stash' | 'gate' | 'mailbox' | 'supervision'>
  /** All chance comes from it. @default 1 */
  readonly seed?: number
}

const NAMES: Names<CrashEverywhereOptions> = {
  id: true,
  input: true,
  peers: true,
  actuators: true,
  maps: true,
  everyMs: true,
  settleMs: true,
  spawn: true,
  seed: true,
}

const SPAWN: Names<NonNullable<CrashEverywhereOptions['spawn']>> = {
  retryable: true,
  timers: true,
  stash: true,
  gate: true,
  mailbox: true,
  supervision: true,
}

/** More would never be over. */
const DAY_MS = 86_400_000

/** Only to check by. */
const DEFAULTS: SpawnDefaults = {
  mailbox: resolveMailboxOptions(),
  supervision: resolveSupervisionOptions(),
  timers: { policies: 'restart', now: () => 0, wallNow: () => 0 },
  newId: (machineId) => machineId,
}

/** Throws `CoreError` BAD_MACHINE or BAD_OPTION. */
export function checkOptions(machine: AnyStateMachine, events: readonly AgentEvent[], options: CrashEverywhereOptions): void {
  if (!isMachine(machine)) throw new CoreError('BAD_MACHINE', `${quote(machine)} is no XState v5 state machine`)
  if (!Array.isArray(events)) throw new CoreError('BAD_OPTION', `events is ${quote(events)}: give an array of events`)
  const bad = events.find((event: Partial<AgentEvent> | null) => typeof event?.type !== 'string') as unknown
  if (events.length === 0 || bad !== undefined) {
    throw new CoreError('BAD_OPTION', `events holds ${events.length === 0 ? 'nothing' : quote(bad)}: give events such as { type: 'part' }`)
  }
  for (const [at, event] of events.entries()) {
    const lost = lostIn(`events[${at}]`, event)
    if (lost !== undefined) throw new CoreError('BAD_OPTION', `${lost}: events are stored, so give plain data`)
  }
  optionsOf('crashEverywhere', options, NAMES)
  for (const name of ['peers', 'actuators', 'maps'] as const) {
    const given = options[name]
    if (given !== undefined && !(Array.isArray(given) && given.every((each) => typeof each === 'string' && each !== '')))
      throw new CoreError('BAD_OPTION', `${name} is ${quote(given)}: give a list of names`)
  }
  const id = textOption('id', options.id, machine.id)
  const peer = options.peers?.find((each, at, all) => each === id || each === driverOf(id) || all.indexOf(each) !== at)
  if (peer !== undefined) throw new CoreError('BAD_OPTION', `peers holds ${quote(peer)}: give each other agent once`)
  numberOption('everyMs', options.everyMs, 0, 0, DAY_MS)
  numberOption('settleMs', options.settleMs, 0, 0, DAY_MS)
  const { seed = 1 } = options
  if (!Number.isSafeInteger(seed)) throw new CoreError('BAD_OPTION', `seed is ${quote(seed)}: give a whole number`)
  optionsOf('spawn', options.spawn, SPAWN)
  resolveSpawnOptions(machine, { ...options.spawn, id }, DEFAULTS)
}

/** Who gives the events. */
export function driverOf(id: string): string {
  return `${id}.driver`
}
