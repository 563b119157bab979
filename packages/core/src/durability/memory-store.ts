import { CoreError } from '../errors.ts'
import type { Fence, Store, StoreRecord } from './store.ts'

// From Node's pool: an array buffer of its own for each of 10,000 small states costs more than all that is done with them.
function copyOf(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(bytes)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** A store in this process's memory. It outlives a system, not the process. */
export function memoryStore(): Store {
  const records = new Map<string, StoreRecord>()
  // The fence is remembered after a delete as well: forgetting a record must not let an older writer back in (I1).
  const fences = new Map<string, Fence>()
  let closed = false

  function check(id: string, fence: Fence): void {
    if (closed) throw new CoreError('CLOSED', 'the store is closed')
    const seen = fences.get(id)
    if (seen === undefined || fence.token > seen.token || (fence.token === seen.token && fence.owner === seen.owner)) return
    const holder = `${seen.owner} holds it with token ${seen.token}`
    throw new CoreError('STORE_FENCED', `${fence.owner} may not write agent ${JSON.stringify(id)} with token ${fence.token}: ${holder}`)
  }

  return {
    ordered: true,
    async get(id) {
      if (closed) throw new CoreError('CLOSED', 'the store is closed')
      const record = records.get(id)
      return record && { rev: record.rev, fence: record.fence, value: copyOf(record.value) }
    },
    async commit(id, expectedRev, fence, value) {
      check(id, fence)
      const rev = records.get(id)?.rev ?? 0
      if (rev !== expectedRev) {
        throw new CoreError('STORE_CONFLICT', `agent ${JSON.stringify(id)} is at revision ${rev}, not at ${expectedRev}`)
      }
      fences.set(id, { owner: fence.owner, token: fence.token })
      records.set(id, { rev: rev + 1, fence: { owner: fence.owner, token: fence.token }, value: copyOf(value) })
      return rev + 1
    },
    async delete(id, fence) {
      check(id, fence)
      fences.set(id, { owner: fence.owner, token: fence.token })
      records.delete(id)
    },
    async close() {
      closed = true
      records.clear()
    },
  }
}
