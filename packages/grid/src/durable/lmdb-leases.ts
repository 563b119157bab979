import type { LeaseRow, LeaseTable } from '../store/authority.ts'
import { quietly, type Environment } from './environment.ts'

/** Leases as rows of an lmdb environment: compare-and-set by the row's version. */
export function createLmdbLeases(environment: Environment): LeaseTable {
  const table = environment.table('leases', true)
  return {
    async read(name) {
      environment.check()
      const { version, fields } = environment.read(table, Buffer.from(name), `lease ${name}`)
      if (fields === undefined) return { tag: undefined, row: undefined }
      return { tag: String(version), row: toLeaseRow(fields) }
    },
    async swap(name, tag, { fence, owner, ttlMs, beat }) {
      environment.check()
      const key = Buffer.from(name)
      const version = Number(tag ?? 0)
      const row = environment.rows.pack([fence, owner ?? null, ttlMs, beat], key)
      const swapped = await environment.swap(table, [{ key, version }], () => quietly(table.put(key, row, version + 1)))
      return swapped ? String(version + 1) : undefined
    },
  }
}

export function toLeaseRow(fields: readonly unknown[]): LeaseRow {
  const [fence, owner, ttlMs, beat] = fields as [number, string | null, number, string]
  return { fence, owner: owner ?? undefined, ttlMs, beat }
}
