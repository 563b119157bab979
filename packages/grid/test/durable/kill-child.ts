// Commits without end until it is killed, and tells each acknowledged revision on standard output.
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { writeSync } from 'node:fs'

const [path = '', owner = '', token = '1', ids = '4'] = process.argv.slice(2)
const { store } = await openDurable({ path, revisions: 3 })

/** A value that shows when it is torn: its revision, over and over, of a length that depends on it. */
async function writer(id: string): Promise<void> {
  for (;;) {
    const rev = (await store.get(id))?.rev ?? 0
    const value = Buffer.alloc(8 * (1 + ((rev * 37) % 700)))
    for (let at = 0; at < value.length; at += 8) value.writeBigUInt64BE(BigInt(rev + 1), at)
    try {
      await store.commit(id, rev, { owner, token: Number(token) }, value, [value.subarray(0, 8)])
      // Synchronous: what is acknowledged has been told before the next commit begins.
      writeSync(1, `${id} ${rev + 1}\n`)
      if (rev % 50 === 49) await store.settle(id, { owner, token: Number(token) }, rev)
    } catch (error) {
      if (!isStoreError(error, 'STORE_CONFLICT') && !isStoreError(error, 'STORE_FENCED')) throw error
      writeSync(1, `refused ${id} ${error.code}\n`)
      if (error.code === 'STORE_FENCED') return
    }
  }
}

await Promise.all(Array.from({ length: Number(ids) }, (_, at) => writer(`agent-${at}`)))
