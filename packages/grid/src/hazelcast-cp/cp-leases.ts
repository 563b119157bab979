import { crc32 } from 'node:zlib'
import type { LeaseTable } from '../store/authority.ts'
import { isStoreError } from '../store/errors.ts'
import { createOperations, type Operations } from '../store/operations.ts'
import { createRowCodec } from '../store/row.ts'
import { badOption } from '../store/rules.ts'
import { createCpObjects } from './cp-objects.ts'
import { packShard, readShard, rowIn, withRow, type LeaseShard } from './lease-shard.ts'
import type { ResolvedCpOptions } from './options.ts'

/** Leases in a few CP AtomicReferences: compare-and-set of a whole small table, by Raft, so linearizable (I1). */
export interface CpLeases extends LeaseTable {
  /** Must come first. Agrees with the other authorities of this name on the shards. Throws STORE_UNSUPPORTED where there is no CP. */
  claim(): Promise<void>
  close(): Promise<void>
}

export function createCpLeases(options: ResolvedCpOptions): CpLeases {
  const { name, shards } = options
  const rows = createRowCodec()
  const operations: Operations = createOperations({ ...options, place: `the CP objects ${name}` })
  const objects = createCpObjects(options, operations)
  const shardOf = (lease: string): number => crc32(lease) % shards
  const parse = (bytes: Uint8Array): LeaseShard => readShard(rows, bytes, `the table of leases ${name}`)

  return {
    claim: () =>
      operations.run('opening the authority', async (signal) => {
        await objects.claim(packShard(rows, { shards, floor: 0, rows: new Map() }), signal)
        const found = parse(await objects.get(0, signal)).shards
        if (found !== shards) throw badOption('shards', shards, `${found}, as the other authorities of ${name} have`)
      }),
    read: (lease) =>
      operations.run(`a read of lease ${lease}`, async (signal) => {
        const shard = parse(await objects.get(shardOf(lease), signal))
        return { tag: shard.rows.get(lease)?.beat, row: rowIn(shard, lease) }
      }),
    swap: (lease, tag, row) =>
      operations.run(`a write of lease ${lease}`, async (signal) => {
        const at = shardOf(lease)
        for (;;) {
          const bytes = await objects.get(at, signal)
          const shard = parse(bytes)
          const found = shard.rows.get(lease)
          // Beats are never used twice: one is the tag of its row, and tells our own write again.
          if (found?.beat === row.beat) return row.beat
          if (found?.beat !== tag) return undefined
          // Fences of leases that were forgotten may have come between.
          if (found === undefined && row.fence <= shard.floor) return undefined
          signal.throwIfAborted()
          try {
            // Whether it was written, now or by a try whose answer was lost, the next look says.
            await objects.compareAndSet(at, bytes, packShard(rows, withRow(shard, lease, row)))
          } catch (error) {
            if (!isStoreError(error, 'STORE_UNREACHABLE')) throw error
          }
        }
      }),
    close: () => operations.close(),
  }
}
