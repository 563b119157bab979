import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createReadThrough, createWriteBehind } from '@stigmergy/grid/keep'
import { openS3, type ObjectBucket } from '@stigmergy/grid/s3'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMemoryBucket } from '../s3/memory-bucket.ts'

const test = suite('writes of a keeper that arrive late')
const fence = { owner: 'keeper', token: 1 }

/** A bucket that one request reaches late: its caller gives up before. */
function createLateBucket(): ObjectBucket & { readonly delaying: boolean; delayNext(): void; arrive(): Promise<void> } {
  const bucket = createMemoryBucket()
  let delaying = false
  let arrive = async (): Promise<void> => undefined
  return {
    ...bucket,
    get delaying() {
      return delaying
    },
    delayNext: () => void (delaying = true),
    arrive: () => arrive(),
    async put(key, bytes, { signal, ...condition } = {}) {
      if (!delaying) return bucket.put(key, bytes, condition)
      delaying = false
      arrive = async () => void (await bucket.put(key, bytes, condition))
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    },
  }
}

async function open() {
  const clock = createVirtualClock()
  const bucket = createLateBucket()
  const { store } = await openS3({ bucket, clock, timeoutMs: 1000 })
  const grid = await openGrid()
  const map = grid.map<number>('parts')
  const behind = createWriteBehind(map, { store, fence, clock })
  const finish = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false
    const ended = promise.finally(() => (over = true))
    while (!over) {
      for (let at = 0; at < 20; at++) await turn()
      if (!over && clock.nextAt() !== undefined) await clock.step()
    }
    return ended
  }
  /** The next write is on its way. */
  const sent = async (): Promise<void> => {
    while (bucket.delaying) {
      await clock.step()
      for (let at = 0; at < 20; at++) await turn()
    }
  }
  /** What the store has of the key, once the late write has arrived. */
  const inTheEnd = async (): Promise<number | undefined> => {
    await bucket.arrive()
    const fresh = await openGrid()
    const entry = await createReadThrough(fresh.map<number>('parts'), { store }).get('p')
    await fresh.close()
    return entry?.value
  }
  const done = async (): Promise<void> => {
    await finish(behind.close())
    await grid.close()
    await store.close()
  }
  return { bucket, map, behind, sent, finish, inTheEnd, done }
}

test('a removed key stays removed when the write before it arrives after all', async () => {
  const { bucket, map, behind, sent, finish, inTheEnd, done } = await open()
  bucket.delayNext()
  await map.put('p', 1)
  await sent()
  assert.is(await finish(behind.remove('p')), true)
  assert.is(behind.stats().failed, 1)
  assert.is(await inTheEnd(), undefined)
  await done()
})

test('a value that came back stays when the one in between arrives after all', async () => {
  const { bucket, map, behind, sent, finish, inTheEnd, done } = await open()
  await map.put('p', 1)
  await finish(behind.flush())
  bucket.delayNext()
  await map.put('p', 2)
  await sent()
  await map.put('p', 1)
  await finish(behind.flush())
  assert.is(behind.stats().failed, 1)
  assert.is(await inTheEnd(), 1)
  await done()
})

test.run()
