// One process of a history: strong operations on a map, commits and leases in one directory, each told before and after on standard
// output as a line of JSON: `{ n, call }`, then `{ n, output }`.
import { embedded, openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { machineNow } from '@stigmergy/grid/testing'
import { writeSync } from 'node:fs'
import { createRandom } from '../random.ts'

const [path = '', name = '', seed = '1', count = '100'] = process.argv.slice(2)
const random = createRandom(Number(seed))
const durable = await openDurable({ path, revisions: 2 })
const grid = await openGrid(embedded({ path }), { id: name })
const map = grid.map<string>('registers')
const tell = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`)
const pick = (many: number): number => Math.floor(random() * many)
let number = 0

async function run(client: string, key: string, input: object, operation: () => Promise<unknown>): Promise<void> {
  const n = `${name} ${++number}`
  tell({ n, process: client, key, input, calledAt: machineNow() })
  const output = await operation()
  tell({ n, output, returnedAt: machineNow() })
}

/** What a client read last of a key: a compare-and-set expects that. */
interface Seen {
  readonly token: number
  readonly value: string | undefined
}

async function onMap(client: string, key: string, seen: Map<string, Seen>, value: string): Promise<void> {
  const { token, value: expected } = seen.get(key) ?? { token: 0, value: undefined }
  const kind = pick(5)
  if (kind === 0) return run(client, key, { do: 'write', value }, () => map.put(key, value).then(() => true))
  if (kind === 1) return run(client, key, { do: 'remove' }, () => map.remove(key))
  if (kind <= 3 && seen.has(key)) {
    const swap = async (): Promise<boolean> => (await map.compareAndSet(key, token, value)).ok
    return run(client, key, { do: 'compare-and-set', ...(expected && { expected }), value }, swap)
  }
  return run(client, key, { do: 'read' }, async () => {
    const entry = await map.get(key, { consistency: 'strong' })
    seen.set(key, { token: entry?.version ?? 0, value: entry?.value })
    return entry?.value
  })
}

async function onStore(client: string, id: string, seen: Map<string, Seen>, value: string): Promise<void> {
  const { token, value: expected } = seen.get(id) ?? { token: 0, value: undefined }
  if (pick(2) === 0 || !seen.has(id)) {
    return run(client, id, { do: 'read' }, async () => {
      const record = await durable.store.get(id)
      const text = record && Buffer.from(record.value).toString()
      seen.set(id, { token: record?.rev ?? 0, value: text })
      return text
    })
  }
  return run(client, id, { do: 'compare-and-set', ...(expected && { expected }), value }, async () => {
    try {
      await durable.store.commit(id, token, { owner: 'all', token: 1 }, Buffer.from(value))
      return true
    } catch (error) {
      if (isStoreError(error, 'STORE_CONFLICT')) return false
      throw error
    }
  })
}

const authority = durable.authority({ pollMs: 5 })

async function onLease(client: string, key: string): Promise<void> {
  let release = async (): Promise<void> => undefined
  await run(client, key, { do: 'acquire' }, async () => {
    const lease = await authority.acquire(key, client, 60_000)
    if (lease === undefined) return 0
    release = () => run(client, key, { do: 'release', fence: lease.fence.token }, () => authority.release(lease))
    return lease.fence.token
  })
  await release()
}

async function work(at: number): Promise<void> {
  const seen = new Map<string, Seen>()
  for (let turn = 0; turn < Number(count); turn++) {
    const kind = pick(5)
    const value = `${name}.${at}.${turn}`
    if (kind < 3) await onMap(`${name}.${at}`, `map-${pick(2)}`, seen, value)
    else if (kind === 3) await onStore(`${name}.${at}`, `store-${pick(2)}`, seen, value)
    else await onLease(`${name}.${at}`, `lease-${pick(2)}`)
  }
}

await Promise.all([work(0), work(1)])
await authority.close()
await grid.close()
await durable.close()
