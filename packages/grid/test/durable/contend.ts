import { isStoreError, type Authority, type Store } from '@stigmergy/grid/store'
import { writeSync } from 'node:fs'

const tell = (line: string): void => void writeSync(1, `${line}\n`)

/** Takes the lease again and again, and under it commits; tells `lease <token>`, `rev <n> <token>` and `fenced <token>`. Never ends. */
export async function contend(authority: Authority, store: Store, owner: string, ttlMs: number): Promise<never> {
  for (;;) {
    const lease = await authority.acquire('work', owner, ttlMs, { waitMs: 10_000, keep: true })
    if (lease === undefined) continue
    const { token } = lease.fence
    tell(`lease ${token}`)
    try {
      // On purpose without asking `remainingMs` first: the store itself must refuse what comes after a pause.
      for (;;) {
        const rev = (await store.get('x'))?.rev ?? 0
        tell(`rev ${await store.commit('x', rev, lease.fence, Buffer.from(String(token)))} ${token}`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    } catch (error) {
      if (!isStoreError(error, 'STORE_FENCED') && !isStoreError(error, 'STORE_CONFLICT')) throw error
      tell(`${error.code === 'STORE_FENCED' ? 'fenced' : 'conflict'} ${token}`)
      await authority.release(lease)
    }
  }
}
