import { Packr } from 'msgpackr'
import { quote } from '../check.ts'
import type { AnyStateMachine } from 'xstate'
import { CoreError } from '../errors.ts'
import { childrenMigrated } from './child-versions.ts'
import { errorRows, restoreErrors, type ErrorRow } from './error-data.ts'
import { migrated, type Migration } from './migration.ts'
import type { AgentRecord, PersistedSnapshot } from './record.ts'
import { isEmpty, NOTHING } from '../cell/slim.ts'
import { SHORT_SCHEMA_VERSION, ShortRecords, type Head, type ShortRecord } from './short-record.ts'

/** Whose state it must be. */
export interface Expected {
  readonly id: string
  readonly machineType: string
  readonly machineVersion: string | undefined
  readonly migrations?: readonly Migration[] | undefined
  /** By it the machines of stored children are found. Undefined: those are left as they are. */
  readonly machine?: AnyStateMachine
}

export interface RecordCodec {
  /** Throws `CoreError` BAD_STATE if the state holds what cannot be stored. */
  encode(id: string, record: AgentRecord): Uint8Array
  /** As `encode`, of an agent that is nothing but this. Undefined: such a context must go the long way. */
  encodeShort(id: string, state: ShortRecord): Uint8Array | undefined
  /**
   * A fresh copy each time, in the present version of the machine.
   * Throws STORE_FOREIGN, STORE_NEWER, STORE_BROKEN or MIGRATION_FAILED; the bytes are left untouched (I9).
   */
  decode(bytes: Uint8Array, expected: Expected): AgentRecord
  /**
   * What the bytes of a plain state say, without its context, which can be read. Undefined: to say that much they must be read.
   */
  glance(bytes: Uint8Array): Head | undefined
  /** What the bytes say they are. Throws STORE_NEWER or STORE_BROKEN. */
  read(bytes: Uint8Array, id: string): AgentRecord
}

/** What most records do not need. */
type Rest = Pick<AgentRecord, 'seen' | 'ids' | 'seq' | 'outbox'> & {
  readonly snapshot?: PersistedSnapshot
  readonly timers?: AgentRecord['timers']
  readonly errors?: readonly ErrorRow[]
}

/**
 * Versions of a record (I9): an object first, then a list (2), then beside it the short form of what is plain (3). Since 4 a list knows
 * which timers have fired, and effects by the fence they were born under. A list that holds errors is 5 and says what they carry. All are read.
 */
const OBJECT_SCHEMA_VERSION = 1
const OLD_LIST_SCHEMA_VERSION = 2
const LIST_SCHEMA_VERSION = 4
const ERRORS_SCHEMA_VERSION = 5
const LISTS: ReadonlySet<unknown> = new Set([OLD_LIST_SCHEMA_VERSION, LIST_SCHEMA_VERSION, ERRORS_SCHEMA_VERSION])
const NEWEST_SCHEMA_VERSION = Math.max(ERRORS_SCHEMA_VERSION, SHORT_SCHEMA_VERSION)

/** How the packer begins an error. */
const ERROR_MARK = Buffer.of(0xd4, 0x65, 0)

/** A list, so that no record repeats the names of its parts. */
type Packed = readonly [
  schemaVersion: number,
  machineType: string,
  machineVersion: string | null,
  value: unknown,
  context: unknown,
  rest?: Rest,
]

const NO_TIMERS: AgentRecord['timers'] = []
/** Parts of a record that has no rest. */
const PARTS = 5

/** The only place that packs agent state. Keeps Date, Map, Set, Error, bigint, bytes and cycles. */
export function createRecordCodec(): RecordCodec {
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  const short = new ShortRecords()

  function unpack(bytes: Uint8Array): ShortRecord | { readonly found: unknown } {
    return short.decode(bytes) ?? { found: packr.unpack(asBytes(bytes)) as unknown }
  }

  function read(bytes: Uint8Array, id: string): AgentRecord {
    const name = `agent ${quote(id)}`
    let given: ReturnType<typeof unpack>
    try {
      given = unpack(bytes)
    } catch (cause) {
      throw new CoreError('STORE_BROKEN', `what is stored for ${name} cannot be read: ${String(cause)}`, { cause })
    }
    if (!('found' in given)) return plainRecord(given.machineType, given.machineVersion, given.value, given.context)
    const { found } = given
    const old = found as (Partial<AgentRecord> & { readonly schema_version?: unknown }) | null | undefined
    const version: unknown = Array.isArray(found) ? (found as unknown as Packed)[0] : old?.schema_version
    if (typeof version === 'number' && version > NEWEST_SCHEMA_VERSION) {
      throw new CoreError('STORE_NEWER', `the state of ${name} has schema version ${version}, this program knows ${NEWEST_SCHEMA_VERSION}`)
    }
    if (Array.isArray(found) && found.length >= PARTS && LISTS.has(version)) return unpacked(found as unknown as Packed)
    if (version === OBJECT_SCHEMA_VERSION && typeof old?.snapshot === 'object') {
      const { schema_version: _, ...record } = old
      return record as AgentRecord
    }
    throw new CoreError('STORE_BROKEN', `what is stored for ${name} is no agent state`)
  }

  /** What an error carries besides its message is looked for only where there is one: this is on the path of every checkpoint. */
  function pack(record: AgentRecord): Uint8Array {
    const bytes = packr.pack(packed(record))
    if (!bytes.includes(ERROR_MARK)) return bytes
    const errors = errorRows(record)
    return errors.length === 0 ? bytes : packr.pack(withErrors(packed(record), errors))
  }

  return {
    read,
    glance(bytes) {
      try {
        return short.glance(bytes)
      } catch {
        return undefined
      }
    },
    encode(id, record) {
      try {
        return pack(record)
      } catch (cause) {
        throw unpackable(id, cause)
      }
    },
    encodeShort(id, state) {
      try {
        return short.encode(state)
      } catch (cause) {
        throw unpackable(id, cause)
      }
    },
    decode(bytes, expected) {
      const { id, machineType, machine, migrations = [] } = expected
      const record = read(bytes, id)
      if (record.machineType !== machineType) {
        const holds = `the store holds a ${quote(record.machineType)}`
        throw new CoreError('STORE_FOREIGN', `agent ${quote(id)} is a ${quote(machineType)}, ${holds}`)
      }
      const present = migrated(record, expected)
      return machine === undefined ? present : childrenMigrated(present, machine, { agentId: id, migrations })
    },
  }
}

function unpackable(id: string, cause: unknown): CoreError {
  return new CoreError('BAD_STATE', `the state of agent ${quote(id)} cannot be stored: ${String(cause)}`, { cause })
}

function packed(record: AgentRecord): Packed {
  const { machineType, machineVersion, snapshot, timers, seen, ids, seq, outbox } = record
  const { value, context, status, children = {}, historyValue = {} } = snapshot as PersistedSnapshot & Record<string, object>
  const plain = status === 'active' && isEmpty(children) && isEmpty(historyValue)
  const head = [LIST_SCHEMA_VERSION, machineType, machineVersion ?? null, plain ? value : null, plain ? context : null] as const
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

/** Of a store that gives a Buffer, the packer would make Buffers of all bytes in it: what comes back must not depend on the store. */
function asBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes
}

/** They come last: there the packer names what it has met before. */
function withErrors([, machineType, machineVersion, value, context, rest]: Packed, errors: readonly ErrorRow[]): Packed {
  return [ERRORS_SCHEMA_VERSION, machineType, machineVersion, value, context, { ...rest, errors }]
}

function unpacked([, machineType, machineVersion, value, context, rest]: Packed): AgentRecord {
  const plain = plainRecord(machineType, machineVersion ?? undefined, value, context)
  if (rest === undefined) return plain
  restoreErrors(rest.errors ?? [])
  const { snapshot = plain.snapshot, timers = plain.timers, seen, ids, seq, outbox } = rest
  return {
    ...plain,
    snapshot,
    timers,
    ...(seen && { seen }),
    ...(ids && { ids }),
    ...(seq !== undefined && { seq }),
    ...(outbox && { outbox }),
  }
}

function plainRecord(machineType: string, machineVersion: string | undefined, value: unknown, context: unknown): AgentRecord {
  const snapshot = { status: 'active', output: undefined, error: undefined, value, historyValue: NOTHING, context, children: NOTHING }
  return { machineType, machineVersion, snapshot: snapshot as unknown as PersistedSnapshot, timers: NO_TIMERS }
}
