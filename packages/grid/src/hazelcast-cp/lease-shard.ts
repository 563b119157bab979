import type { LeaseRow } from '../store/authority.ts'
import { StoreError } from '../store/errors.ts'
import type { RowCodec } from '../store/row.ts'

/** Version of what the CP objects hold (I9). */
export const CP_SCHEMA_VERSION = 1

/** A small table of leases in one object. `floor`: the greatest fence of those that were forgotten; new ones begin above it. */
export interface LeaseShard {
  /** How many shards there are, which all authorities must agree on. */
  readonly shards: number
  readonly floor: number
  readonly rows: ReadonlyMap<string, LeaseRow>
}

/** Free leases are forgotten beyond this number; each write of a shard writes all of it. */
export const FREE_KEPT = 64
/** Held ones, dead holders' included, that one shard can keep. */
export const MOST_LEASES = 2000

/** The row, or for one that is not known a free one, if fences of this shard were forgotten: its next fence must still be greater. */
export function rowIn({ floor, rows }: LeaseShard, name: string): LeaseRow | undefined {
  return rows.get(name) ?? (floor === 0 ? undefined : { fence: floor, owner: undefined, ttlMs: 0, beat: '' })
}

/** The shard with this row. Throws STORE_FULL if it holds too many that are not free. */
export function withRow({ shards, floor, rows }: LeaseShard, name: string, row: LeaseRow): LeaseShard {
  const next = new Map(rows)
  next.delete(name)
  next.set(name, row)
  const free = [...next].filter(([, { owner }]) => owner === undefined)
  const gone = free.slice(0, Math.max(0, free.length - FREE_KEPT))
  for (const [each] of gone) next.delete(each)
  if (next.size > MOST_LEASES + FREE_KEPT) {
    throw new StoreError('STORE_FULL', `a shard holds ${next.size} leases: release some, or use more shards under another name`)
  }
  return { shards, floor: Math.max(floor, ...gone.map(([, { fence }]) => fence)), rows: next }
}

type RowFields = readonly [name: string, fence: number, owner: string | null, ttlMs: number, beat: string]

export function packShard(codec: RowCodec, { shards, floor, rows }: LeaseShard): Buffer {
  const packed = Array.from(rows, ([name, { fence, owner, ttlMs, beat }]): RowFields => [name, fence, owner ?? null, ttlMs, beat])
  return codec.pack([CP_SCHEMA_VERSION, shards, floor, packed])
}

/** Throws `StoreError` STORE_BROKEN or STORE_NEWER. */
export function readShard(codec: RowCodec, bytes: Uint8Array, what: string): LeaseShard {
  const [version, shards, floor, rows] = codec.read(bytes, what) as [number, number, number, readonly RowFields[]]
  if (version !== CP_SCHEMA_VERSION) {
    throw new StoreError('STORE_NEWER', `${what} has schema version ${version}; this release knows ${CP_SCHEMA_VERSION}`)
  }
  const entries = rows.map(([name, fence, owner, ttlMs, beat]): [string, LeaseRow] => [
    name,
    { fence, owner: owner ?? undefined, ttlMs, beat },
  ])
  return { shards, floor, rows: new Map(entries) }
}
