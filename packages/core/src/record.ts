import { Packr } from 'msgpackr'
import type { AnyActor, AnyMachineSnapshot, AnyStateMachine, Snapshot } from 'xstate'
import { quote } from './check.ts'
import { CoreError } from './errors.ts'
import type { Host } from './host.ts'
import type { OutboxEntry } from './outbox.ts'
import { isEmpty } from './slim.ts'
import type { SeenRow } from './seen.ts'
import { pendingTimers, type PendingTimer } from './timers.ts'

/** Version of the record below (I9). */
export const RECORD_SCHEMA_VERSION = 1

/** What a checkpoint holds. */
export interface AgentRecord {
  readonly schema_version: number
  readonly machineType: string
  readonly machineVersion: string | undefined
  /** As XState persists it: value, context, history, children. */
  readonly snapshot: PersistedSnapshot
  readonly timers: readonly PendingTimer[]
  /** What it was sent before. */
  readonly seen?: readonly SeenRow[]
  /** The number of its newest effect, and the effects that are not done. */
  readonly seq?: number
  readonly outbox?: readonly OutboxEntry[]
}

export type PersistedSnapshot = Snapshot<unknown> & { children?: Record<string, { snapshot: PersistedSnapshot }>; context?: unknown }

/** Whose state it must be. */
export interface Expected {
  readonly id: string
  readonly machineType: string
  readonly machineVersion: string | undefined
}

export interface RecordCodec {
  /** Throws `CoreError` BAD_STATE if the state holds what cannot be stored. */
  encode(id: string, record: AgentRecord): Uint8Array
  /** A fresh copy each time. Throws STORE_FOREIGN, STORE_NEWER or STORE_BROKEN; the bytes are left untouched (I9). */
  decode(bytes: Uint8Array, expected: Expected): AgentRecord
}

/** The only place that packs agent state. Keeps Date, Map, Set, Error, bigint, bytes and cycles. */
export function createRecordCodec(): RecordCodec {
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  return {
    encode(id, record) {
      try {
        return packr.pack(record)
      } catch (cause) {
        throw new CoreError('BAD_STATE', `the state of agent ${quote(id)} cannot be stored: ${String(cause)}`, { cause })
      }
    },
    decode(bytes, { id, machineType, machineVersion }) {
      const name = `agent ${quote(id)}`
      let record: Partial<AgentRecord> | null | undefined
      try {
        record = packr.unpack(bytes) as Partial<AgentRecord> | null | undefined
      } catch (cause) {
        throw new CoreError('STORE_BROKEN', `what is stored for ${name} cannot be read: ${String(cause)}`, { cause })
      }
      if (typeof record?.schema_version !== 'number' || typeof record.snapshot !== 'object') {
        throw new CoreError('STORE_BROKEN', `what is stored for ${name} is no agent state`)
      }
      if (record.schema_version > RECORD_SCHEMA_VERSION) {
        const versions = `schema version ${record.schema_version}, this program knows ${RECORD_SCHEMA_VERSION}`
        throw new CoreError('STORE_NEWER', `the state of ${name} has ${versions}`)
      }
      if (record.machineType !== machineType) {
        throw new CoreError('STORE_FOREIGN', `${name} is a ${quote(machineType)}, the store holds a ${quote(record.machineType)}`)
      }
      if (record.machineVersion !== machineVersion) {
        const versions = `version ${quote(record.machineVersion)} of its machine, this one is ${quote(machineVersion)}`
        throw new CoreError('STORE_FOREIGN', `the state of ${name} is of ${versions}`)
      }
      return record as AgentRecord
    },
  }
}

/**
 * The state to keep of a running agent: `snapshot` may be older than the one the actor holds, never newer.
 * `failedChild`: the child whose error made the agent fail; it is kept as it was before, so that it starts again with the agent.
 */
export function captureRecord(
  host: Host,
  machine: AnyStateMachine,
  machineType: string,
  snapshot: AnyMachineSnapshot,
  failedChild: string | undefined,
  seen: readonly SeenRow[],
): AgentRecord {
  const persisted = persist(machine, snapshot)
  const kept = failedChild === undefined ? undefined : persisted.children?.[failedChild]
  if (failedChild !== undefined && kept?.snapshot.status === 'error') {
    const { options } = snapshot.children[failedChild] as AnyActor
    // A failed promise has forgotten its input; the actor has not.
    const input: unknown = options.input ?? (options.snapshot as { input?: unknown } | undefined)?.input
    Object.assign(kept, { snapshot: { ...kept.snapshot, status: 'active', error: undefined, input } })
  }
  return {
    schema_version: RECORD_SCHEMA_VERSION,
    machineType,
    machineVersion: machine.version,
    snapshot: persisted,
    timers: pendingTimers(host),
    ...(seen.length > 0 && { seen }),
  }
}

/** What `machine.getPersistedSnapshot` gives. On the path of every checkpoint, so a snapshot without children or history goes the short way. */
function persist(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): PersistedSnapshot {
  const { status, output, error, value, historyValue, context, children } = snapshot
  if (isEmpty(children) && isEmpty(historyValue) && !holdsActor(context)) {
    return { status, output, error, value, historyValue: {}, context, children: {} } as unknown as PersistedSnapshot
  }
  return machine.getPersistedSnapshot(snapshot) as PersistedSnapshot
}

// Deeper than this it may be a circle: from there on each object is looked at once.
const DEEP = 32

// XState's own test for a reference to an actor; it stores a mark instead.
function holdsActor(part: object, depth = 0, seen?: Set<object>): boolean {
  const once = depth < DEEP ? seen : (seen ?? new Set<object>())
  if (once?.has(part) === true) return false
  once?.add(part)
  for (const key in part) {
    const value: unknown = (part as Record<string, unknown>)[key]
    if (typeof value !== 'object' || value === null) continue
    if (('sessionId' in value && 'send' in value && 'ref' in value) || holdsActor(value, depth + 1, once)) return true
  }
  return false
}
