// Commits until it is refused; prints the code, how many commits were acknowledged, and the revision it can still read.
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'

const code = (error: unknown): string => (isStoreError(error) ? error.code : String(error))
let acknowledged = 0
try {
  const uid = process.argv[3] ?? ''
  // It is loaded when the first directory is opened, and the project may stand where only root may look.
  if (uid !== '') await import('lmdb')
  if (uid !== '') process.setuid?.(Number(uid))
  const durable = await openDurable({ path: process.argv[2] ?? '', timeoutMs: 5000 })
  try {
    for (;;) {
      await durable.store.commit('x', acknowledged, { owner: 'a', token: 1 }, Buffer.alloc(3000, acknowledged), [Buffer.alloc(2000)])
      acknowledged += 1
    }
  } catch (error) {
    console.log(code(error), acknowledged, (await durable.store.get('x'))?.rev)
  }
  await durable.close()
} catch (error) {
  console.log(code(error))
}
