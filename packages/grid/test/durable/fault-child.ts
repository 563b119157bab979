// Commits until it is refused; prints the code, how many commits were acknowledged, and the revision it can still read.
import { register } from 'node:module'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'

/** Gives up root. The project may stand where only root may look: what is loaded later, lmdb, is loaded before, and not looked for again. */
async function becomes(uid: number): Promise<void> {
  await import('lmdb')
  const answer = `{ url: ${JSON.stringify(import.meta.resolve('lmdb'))}, shortCircuit: true }`
  const hook = `export const resolve = async (name, context, next) => (name === 'lmdb' ? ${answer} : next(name, context))`
  register(`data:text/javascript,${encodeURIComponent(hook)}`)
  process.setuid?.(uid)
}

const code = (error: unknown): string => (isStoreError(error) ? error.code : String(error))
let acknowledged = 0
try {
  const uid = process.argv[3] ?? ''
  if (uid !== '') await becomes(Number(uid))
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
