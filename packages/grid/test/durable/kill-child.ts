// Commits without end until it is killed, and tells each acknowledged revision on standard output.
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { tell } from './tell.ts'

// Whoever starts it ahead of time ends its input when it is to begin.
for await (const go of process.stdin) void go
const [path = '', owner = '', token = '1', ids = '4', level = 'process'] = process.argv.slice(2)
const { store } = await openDurable({ path, revisions: 3, level: level as 'host' | 'process' })

/** A value that shows when it is torn: its revision, over and over, of a length that depends on it. */
async function writer(id: string): Promise<void> {
  for (;;) {
    const rev = (await store.get(id))?.rev ?? 0
    const value = Buffer.alloc(8 * (1 + ((rev * 37) % 700)))
    for (let at = 0; at < value.length; at += 8) value.writeBigUInt64BE(BigInt(rev + 1), at)
    try {
      await store.commit(id, rev, { owner, token: Number(token) }, value, [value.subarray(0, 8)])
      tell(`${id} ${rev + 1}`)
      if (rev % 50 === 49) await store.settle(id, { owner, token: Number(token) }, rev)
    } catch (error) {
      if (!isStoreError(error, 'STORE_CONFLICT') && !isStoreError(error, 'STORE_FENCED')) throw error
      tell(`refused ${id} ${error.code}`)
      if (error.code === 'STORE_FENCED') return
    }
  }
}

await Promise.all(Array.from({ length: Number(ids) }, (_, at) => writer(`agent-${at}`)))
