import { Packr } from 'msgpackr'
import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import { migrated, type Migration } from './migration.ts'
import { RECORD_SCHEMA_VERSION, type AgentRecord, type PersistedSnapshot } from './record.ts'
import { isEmpty } from '../cell/slim.ts'

/** Whose state it must be. */
export interface Expected {
  readonly id: string
  readonly machineType: string
  readonly machineVersion: string | undefined
  readonly migrations?: readonly Migration[] | undefined
}

export interface RecordCodec {
  /** Throws `CoreError` BAD_STATE if the state holds what cannot be stored. */
  encode(id: string, record: AgentRecord): Uint8Array
  /**
   * A fresh copy each time, in the present version of the machine.
   * Throws STORE_FOREIGN, STORE_NEWER, STORE_BROKEN or MIGRATION_FAILED; the bytes are left untouched (I9).
   */
  decode(bytes: Uint8Array, expected: Expected): AgentRecord
  /** What the bytes say they are. Throws STORE_NEWER or STORE_BROKEN. */
  read(bytes: Uint8Array, id: string): AgentRecord
}

/** What most records do not need. */
type Rest = Pick<AgentRecord, 'seen' | 'ids' | 'seq' | 'outbox'> & {
  readonly snapshot?: PersistedSnapshot
  readonly timers?: AgentRecord['timers']
}

/** A list, so that no record repeats the names of its parts. */
type Packed = readonly [
  schemaVersion: number,
  machineType: string,
  machineVersion: string | null,
  value: unknown,
  context: unknown,
  rest?: Rest,
]

/** Parts of a record that has no rest. */
const HEAD = 5

/** The only place that packs agent state. Keeps Date, Map, Set, Error, bigint, bytes and cycles. */
export function createRecordCodec(): RecordCodec {
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  // The same bytes, where no object is met twice: it does not remember them.
  const forTrees = new Packr({ moreTypes: true })

  function read(bytes: Uint8Array, id: string): AgentRecord {
    const name = `agent ${quote(id)}`
    let found: unknown
    try {
      found = packr.unpack(bytes)
    } catch (cause) {
      throw new CoreError('STORE_BROKEN', `what is stored for ${name} cannot be read: ${String(cause)}`, { cause })
    }
    // The first version was an object.
    const old = found as Partial<AgentRecord> | null | undefined
    const version: unknown = Array.isArray(found) ? (found as unknown as Packed)[0] : old?.schema_version
    if (typeof version === 'number' && version > RECORD_SCHEMA_VERSION) {
      throw new CoreError('STORE_NEWER', `the state of ${name} has schema version ${version}, this program knows ${RECORD_SCHEMA_VERSION}`)
    }
    if (Array.isArray(found) && found.length >= 5 && version === RECORD_SCHEMA_VERSION) return unpacked(found as unknown as Packed)
    if (version === 1 && typeof old?.snapshot === 'object') return { ...(old as AgentRecord), schema_version: RECORD_SCHEMA_VERSION }
    throw new CoreError('STORE_BROKEN', `what is stored for ${name} is no agent state`)
  }

  return {
    read,
    encode(id, record) {
      try {
        const list = packed(record)
        return record.simple === true && list.length === HEAD ? forTrees.pack(list) : packr.pack(list)
      } catch (cause) {
        throw new CoreError('BAD_STATE', `the state of agent ${quote(id)} cannot be stored: ${String(cause)}`, { cause })
      }
    },
    decode(bytes, expected) {
      const { id, machineType } = expected
      const record = read(bytes, id)
      if (record.machineType !== machineType) {
        const holds = `the store holds a ${quote(record.machineType)}`
        throw new CoreError('STORE_FOREIGN', `agent ${quote(id)} is a ${quote(machineType)}, ${holds}`)
      }
      return migrated(record, expected)
    },
  }
}

function packed(record: AgentRecord): Packed {
  const { schema_version, machineType, machineVersion, snapshot, timers, seen, ids, seq, outbox } = record
  const { value, context, status, children = {}, historyValue = {} } = snapshot as PersistedSnapshot & Record<string, object>
  const plain = status === 'active' && isEmpty(children) && isEmpty(historyValue)
  const head = [schema_version, machineType, machineVersion ?? null, plain ? value : null, plain ? context : null] as const
  if (plain && timers.length === 0 && seen === undefined && ids === undefined && seq === undefined) return head
  return [
    ...head,
    {
      ...(!plain && { snapshot }),
      ...(timers.length > 0 && { timers }),
      ...(seen && { seen }),
      ...(ids && { ids }),
      ...(seq !== undefined && { seq }),
      ...(outbox && outbox.length > 0 && { outbox }),
    },
  ]
}

function unpacked([schemaVersion, machineType, machineVersion, value, context, rest = {}]: Packed): AgentRecord {
  const { snapshot, timers = [], seen, ids, seq, outbox } = rest
  const plain = { status: 'active', output: undefined, error: undefined, value, historyValue: {}, context, children: {} }
  return {
    schema_version: schemaVersion,
    machineType,
    machineVersion: machineVersion ?? undefined,
    snapshot: snapshot ?? (plain as unknown as PersistedSnapshot),
    timers,
    ...(seen && { seen }),
    ...(ids && { ids }),
    ...(seq !== undefined && { seq }),
    ...(outbox && { outbox }),
  }
}
