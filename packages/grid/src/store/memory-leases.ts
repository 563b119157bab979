import type { LeaseRow, LeaseTable } from './authority.ts'

/** Leases in this process's memory, for authorities of this process only. They are gone with it, and their fences begin anew. */
export function createMemoryLeases(): LeaseTable {
  const slots = new Map<string, { readonly tag: string; readonly row: LeaseRow }>()
  let writes = 0
  return {
    read: async (name) => slots.get(name) ?? { tag: undefined, row: undefined },
    async swap(name, tag, row) {
      if (slots.get(name)?.tag !== tag) return undefined
      writes += 1
      slots.set(name, { tag: String(writes), row })
      return String(writes)
    },
  }
}
