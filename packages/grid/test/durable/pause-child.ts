// Takes the lease again and again, and under it commits; tells `lease <token>`, `rev <n> <token>` and `fenced <token>`.
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { writeSync } from 'node:fs'

const [path = '', owner = ''] = process.argv.slice(2)
const durable = await openDurable({ path })
const authority = durable.authority({ pollMs: 5 })
const tell = (line: string): void => void writeSync(1, `${line}\n`)

for (;;) {
  const lease = await authority.acquire('work', owner, 150, { waitMs: 10_000, keep: true })
  if (lease === undefined) continue
  const { token } = lease.fence
  tell(`lease ${token}`)
  try {
    // On purpose without asking `remainingMs` first: the store itself must refuse what comes after a pause.
    for (;;) {
      const rev = (await durable.store.get('x'))?.rev ?? 0
      tell(`rev ${await durable.store.commit('x', rev, lease.fence, Buffer.from(String(token)))} ${token}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  } catch (error) {
    if (!isStoreError(error, 'STORE_FENCED') && !isStoreError(error, 'STORE_CONFLICT')) throw error
    tell(`${error.code === 'STORE_FENCED' ? 'fenced' : 'conflict'} ${token}`)
    await authority.release(lease)
  }
}
