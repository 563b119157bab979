import type { AnyActorRef, AnyStateMachine } from 'xstate'
import { quote } from '../check.ts'
import { logicOf } from '../cell/interrupted.ts'
import { isAt, type PendingTimer } from '../cell/timers.ts'
import { CoreError } from '../errors.ts'
import { pathOf, steppedState, stepping, type Migration, type StoredState } from './migration.ts'
import type { AgentRecord, PersistedSnapshot } from './record.ts'

/** A child as it is stored. */
interface StoredChild {
  readonly src?: unknown
  /** Of its machine; null: that has none. Absent: it is no machine, or was stored by a program that did not note it. */
  version?: string | null
  snapshot: PersistedSnapshot
}

type Children = Readonly<Record<string, StoredChild>>

const NO_CHILDREN: Children = {}

/** Notes of which version the machines of stored children are. Changes `persisted`. */
export function noteVersions(persisted: PersistedSnapshot, actors: Readonly<Record<string, AnyActorRef | undefined>>): void {
  for (const [id, child] of Object.entries((persisted.children ?? NO_CHILDREN) as Children)) {
    const actor = actors[id] as (AnyActorRef & { readonly logic?: Partial<AnyStateMachine> }) | undefined
    // What stands for a machine in a gated agent has its config.
    if (typeof actor?.logic?.root !== 'object') continue
    child.version = (actor.logic.config as { readonly version?: string }).version ?? null
    const theirs = (actor.getSnapshot() as { readonly children?: Readonly<Record<string, AnyActorRef>> }).children
    if (theirs !== undefined) noteVersions(child.snapshot, theirs)
  }
}

interface Family {
  readonly agentId: string
  readonly migrations: readonly Migration[]
}

/**
 * The record with the machines among its children in their present versions. Throws `CoreError` STORE_FOREIGN if no way leads there,
 * MIGRATION_FAILED if a step throws.
 */
export function childrenMigrated(record: AgentRecord, machine: AnyStateMachine, family: Family): AgentRecord {
  const { children } = record.snapshot
  if (children === undefined || Object.keys(children).length === 0) return record
  const timers = [...record.timers]
  const snapshot = below(record.snapshot, machine, family, [], timers)
  return snapshot === record.snapshot ? record : { ...record, snapshot, timers: timers.filter((timer) => timer !== DROPPED) }
}

/** Stands for a timer whose event a step drops. */
const DROPPED: PendingTimer = { id: '', event: { type: '' }, delayMs: 0 }

/** `timers`: of the whole agent, which are changed. */
function below(
  snapshot: PersistedSnapshot,
  machine: AnyStateMachine,
  family: Family,
  path: readonly string[],
  timers: PendingTimer[],
): PersistedSnapshot {
  let changed: Record<string, StoredChild> | undefined
  for (const [id, child] of Object.entries((snapshot.children ?? NO_CHILDREN) as Children)) {
    const logic = typeof child.src === 'string' ? (logicOf(machine, child.src) as AnyStateMachine | undefined) : undefined
    if (typeof logic?.root !== 'object' || child.snapshot.status !== 'active') continue
    const at = [...path, id]
    const next = below(present(child, logic, family, at, timers), logic, family, at, timers)
    if (next !== child.snapshot) changed = { ...changed, [id]: { ...child, version: logic.version ?? null, snapshot: next } }
  }
  return changed === undefined ? snapshot : { ...snapshot, children: { ...snapshot.children, ...changed } }
}

/** A child's state in the present version of its machine. */
function present(
  { version, snapshot }: StoredChild,
  machine: AnyStateMachine,
  { agentId, migrations }: Family,
  at: readonly string[],
  timers: PendingTimer[],
): PersistedSnapshot {
  const from = version ?? undefined
  if (version === undefined || from === machine.version) return snapshot
  const name = `the state of ${quote(at.join('/'))}, a child of agent ${quote(agentId)},`
  const own = migrations.filter((step) => step.machine === machine.id)
  const way = pathOf(own, from, machine.version)
  if (way === undefined) {
    const versions = `version ${quote(from)} of machine ${quote(machine.id)}, this one is ${quote(machine.version)}`
    throw new CoreError('STORE_FOREIGN', `${name} is of ${versions}, and no migrations with that \`machine\` lead there`)
  }
  let state = snapshot as unknown as StoredState
  for (const step of way) {
    stepping(name, step, () => {
      state = steppedState(state, step)
      for (const [index, timer] of timers.entries()) timers[index] = steppedTimer(timer, step, at)
    })
  }
  return { ...snapshot, value: state.value, context: state.context } as unknown as PersistedSnapshot
}

/** Of delayed events for this child. `after` is XState's own. */
function steppedTimer(timer: PendingTimer, { event }: Migration, at: readonly string[]): PendingTimer {
  const { path = [], to = path } = timer
  if (event === undefined || !isAt({ ...timer, path: to }, at) || timer.event.type.startsWith('xstate.')) return timer
  const next = event(timer.event)
  return next === undefined ? DROPPED : { ...timer, event: next }
}
