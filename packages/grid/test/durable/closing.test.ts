import { openDurable, type Durable } from '@stigmergy/grid/durable'
import { isStoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quickPlace } from './places.ts'

const test = suite('what a closed durable store says')
const ours = { owner: 'a', token: 1 }

async function opened(use: (durable: Durable) => Promise<void>): Promise<void> {
  const place = await quickPlace()
  try {
    await using durable = await openDurable({ path: place.path })
    await use(durable)
  } finally {
    await place.done()
  }
}

async function refused(code: StoreErrorCode, use: () => Promise<unknown>): Promise<void> {
  const [result] = await Promise.allSettled([Promise.resolve().then(use)])
  assert.ok(result?.status === 'rejected' && isStoreError(result.reason, code), JSON.stringify(result))
}

async function all<T>(of: AsyncIterable<T>, each: (at: number) => Promise<void> = async () => {}): Promise<readonly T[]> {
  const found: T[] = []
  for await (const one of of) {
    found.push(one)
    await each(found.length)
  }
  return found
}

test('a scan over the closing ends with CLOSED, or where it is left', () =>
  opened(async (durable) => {
    await durable.store.commitEach(
      Array.from({ length: 300 }, (_, at) => ({ id: `s${at}`, expectedRev: 0, fence: ours, value: Buffer.from('v') })),
    )
    const left = durable.store.scan()[Symbol.asyncIterator]()
    await left.next()
    await refused('CLOSED', () => all(durable.store.scan(), async (at) => (at === 3 ? durable.close() : undefined)))
    await left.return?.()
  }))

test('blobs are closed with the directory', () =>
  opened(async ({ blobs, close }) => {
    const { id } = await blobs.put(Buffer.from('x'))
    await close()
    await refused('CLOSED', () => blobs.put(Buffer.from('y')))
    await refused('CLOSED', () => blobs.readAll(id))
    await refused('CLOSED', () => all(blobs.read(id)))
    await refused('CLOSED', () => all(blobs.list()))
    await refused('CLOSED', () => blobs.stat(id))
    await refused('CLOSED', () => blobs.tags())
  }))

test('a write without a fence is refused as one that cannot be', () =>
  opened(async ({ store, transaction }) => {
    const none = undefined as never
    await refused('BAD_OPTION', () => store.commit('x', 0, none, Buffer.from('v')))
    await refused('BAD_OPTION', () => store.settle('x', none, 1))
    await refused('BAD_OPTION', () => store.delete('x', none))
    await refused('BAD_OPTION', () => transaction((write) => write.commit('x', 0, none, Buffer.from('v'))))
  }))

test.run()
