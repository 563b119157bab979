import { optionsOf, quote, textOption, type Names } from '../check.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import { CoreError } from '../errors.ts'
import type { OutboxEntry } from './outbox.ts'
import type { Expected } from './record-codec.ts'
import type { AgentRecord, PersistedSnapshot } from './record.ts'

/** A machine's state as it is stored: where it stands, and what it knows. */
export interface StoredState {
  /** As `snapshot.value`. */
  readonly value: unknown
  readonly context: unknown
}

/** One step from a version of a machine to a later one. Steps are chained. What they are given they may change. */
export interface Migration {
  /** `id` of the machine among the agent's children whose state it is for. @default the agent's own machine */
  readonly machine?: string
  /** `version` of the machine that stored the state. Undefined: it had none. */
  readonly from: string | undefined
  readonly to: string
  /** @default the state stays as it is */
  state?(state: StoredState): StoredState
  /** An event of its own that it waits for (a delayed one). Undefined: it is dropped. @default it stays as it is */
  event?(event: AgentEvent): AgentEvent | undefined
  /** Only of the agent's own machine: an event it, or a child, has sent that is not delivered yet. Undefined: it is dropped. @default it stays as it is */
  sent?(event: AgentEvent, to: string): AgentEvent | undefined
}

/** The steps from one version to another, in order. Undefined: there is no way. Pure. */
export function pathOf(
  migrations: readonly Migration[],
  from: string | undefined,
  to: string | undefined,
): readonly Migration[] | undefined {
  // The shortest, and never in a circle.
  const seen = new Set<string | undefined>([from])
  let paths: { readonly at: string | undefined; readonly path: readonly Migration[] }[] = [{ at: from, path: [] }]
  while (paths.length > 0) {
    const arrived = paths.find(({ at }) => at === to)
    if (arrived !== undefined) return arrived.path
    paths = paths.flatMap(({ at, path }) =>
      migrations
        .filter((step) => step.from === at && !seen.has(step.to))
        .map((step) => {
          seen.add(step.to)
          return { at: step.to, path: [...path, step] }
        }),
    )
  }
  return undefined
}

/** The record in the version that is expected. Throws `CoreError` STORE_FOREIGN if no way leads there, MIGRATION_FAILED if a step throws. */
export function migrated(record: AgentRecord, { id, machineVersion, migrations = [] }: Expected): AgentRecord {
  if (record.machineVersion === machineVersion) return record
  const own = migrations.filter((step) => step.machine === undefined)
  const path = pathOf(own, record.machineVersion, machineVersion)
  if (path === undefined) {
    const versions = `version ${quote(record.machineVersion)} of its machine, this one is ${quote(machineVersion)}`
    throw new CoreError('STORE_FOREIGN', `the state of agent ${quote(id)} is of ${versions}, and no migrations lead there`)
  }
  const name = `the state of agent ${quote(id)}`
  return path.reduce((before, step) => stepping(name, step, () => migrate(before, step)), record)
}

/** Takes a step for `name`. Throws `CoreError` MIGRATION_FAILED with what it throws. */
export function stepping<T>(name: string, step: Migration, take: () => T): T {
  try {
    return take()
  } catch (cause) {
    const versions = `from version ${quote(step.from)} to ${quote(step.to)}`
    throw new CoreError('MIGRATION_FAILED', `${name} cannot be brought ${versions}: ${String(cause)}`, { cause })
  }
}

/** What a step makes of a state. Throws what it throws, or TypeError if that is none. */
export function steppedState({ value, context }: StoredState, step: Migration): StoredState {
  return step.state === undefined ? { value, context } : stateOf(step.state({ value, context }), context)
}

function migrate(record: AgentRecord, step: Migration): AgentRecord {
  const state = steppedState(record.snapshot as unknown as StoredState, step)
  const { event, sent } = step
  const timers =
    event === undefined
      ? record.timers
      : record.timers.flatMap((timer) => {
          // `after` is XState's own, and those of children are theirs.
          if (timer.path !== undefined || timer.to !== undefined || timer.event.type.startsWith('xstate.')) return [timer]
          const next = event(timer.event)
          return next === undefined ? [] : [{ ...timer, event: next }]
        })
  const outbox =
    sent === undefined
      ? record.outbox
      : record.outbox?.flatMap((entry): readonly OutboxEntry[] => {
          if (entry.effect.kind !== 'send') return [entry]
          const next = sent(entry.effect.event, entry.effect.to)
          return next === undefined ? [] : [{ ...entry, effect: { ...entry.effect, event: next } }]
        })
  const snapshot = { ...record.snapshot, value: state.value, context: state.context } as unknown as PersistedSnapshot
  return { ...record, machineVersion: step.to, snapshot, timers, ...(outbox && { outbox }) }
}

const NAMES: Names<Migration> = { machine: true, from: true, to: true, state: true, event: true, sent: true }

/** What a step made of it. Throws TypeError. */
function stateOf(made: StoredState | null | undefined, before: unknown): StoredState {
  const wants = 'state() must return { value, context }'
  if (typeof made !== 'object' || made === null) throw new TypeError(`${wants}, it returned ${quote(made)}`)
  const isValue = typeof made.value === 'string' || (typeof made.value === 'object' && made.value !== null)
  if (!isValue) throw new TypeError(`${wants}, its value is ${quote(made.value)}`)
  // A machine that had a context has one.
  if (before !== undefined && made.context === undefined) throw new TypeError(`${wants}, it returned no context`)
  return made
}

/** Checks the option. Throws `CoreError` BAD_OPTION. */
export function resolveMigrations(migrations: readonly Migration[] | undefined): readonly Migration[] | undefined {
  if (migrations !== undefined && !Array.isArray(migrations)) {
    throw new CoreError('BAD_OPTION', `migrations is ${quote(migrations)}: give an array of steps`)
  }
  for (const [at, step] of (migrations ?? []).entries()) {
    const name = `migrations[${at}]`
    const { machine, from, to } = optionsOf<Migration>(name, step ?? null, NAMES) as Partial<Migration>
    textOption(`${name}.machine`, machine, undefined)
    if (machine !== undefined && step.sent !== undefined) {
      throw new CoreError(
        'BAD_OPTION',
        `${name}.sent is given for machine ${quote(machine)}: what is sent is the agent's, give it in a step of its own`,
      )
    }
    if (from !== undefined && typeof from !== 'string') throw new CoreError('BAD_OPTION', `${name}.from is ${quote(from)}: give a version`)
    if (typeof to !== 'string') throw new CoreError('BAD_OPTION', `${name}.to is ${quote(to)}: give a version`)
    for (const part of ['state', 'event', 'sent'] as const) {
      const fn: unknown = step[part]
      if (fn !== undefined && typeof fn !== 'function')
        throw new CoreError('BAD_OPTION', `${name}.${part} is ${quote(fn)}: give a function`)
    }
  }
  return migrations
}
