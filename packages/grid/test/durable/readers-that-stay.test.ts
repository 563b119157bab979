import { openDurable } from '@stigmergy/grid/durable'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clearDeadReaders } from '../../src/durable/dead-readers.ts'
import { openEnvironment } from '../../src/durable/environment.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { createVirtualClock } from '@stigmergy/grid'
import { killHard, startChild } from './kill-rounds.ts'
import { inPlace } from './places.ts'

const test = suite('readers that stay')
const ours = { owner: 'a', token: 1 }
const CHILD = fileURLToPath(new URL('reading-child.ts', import.meta.url))

test('a scan that stands still keeps no page from being used again', () =>
  inPlace(async (path) => {
    await using durable = await openDurable({ path })
    const write = async (rev: number): Promise<void> => {
      await Promise.all(Array.from({ length: 40 }, (_, at) => durable.store.commit(`id-${at}`, rev, ours, Buffer.alloc(1000, rev))))
    }
    for (let rev = 0; rev < 50; rev++) await write(rev)
    const before = (await stat(join(path, 'data.mdb'))).size
    const scan = durable.store.scan()[Symbol.asyncIterator]()
    await scan.next()
    for (let rev = 50; rev < 250; rev++) await write(rev)
    const after = (await stat(join(path, 'data.mdb'))).size
    assert.ok(after < 2 * before, `${before} bytes before, ${after} after`)
    await scan.return?.()
  }))

test('the place of a reader that was killed is taken back by whoever writes', () =>
  inPlace(async (path) => {
    const clock = createVirtualClock()
    const environment = await openEnvironment(resolveDurableOptions({ path, clock }))
    const child = startChild(CHILD, [path])
    const exited = once(child, 'exit')
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    await killHard(child, exited, 'the reader')
    const table = environment.table('places', false)
    const places = (): number => (table as unknown as { readerList(): string }).readerList().trim().split('\n').length
    const held = places()
    await clock.advance(5000)
    await environment.together(() => void table.put(Buffer.from('x'), Buffer.from('y')))
    assert.is(places(), held - 1)
    await environment.close()
  }))

test('it is looked for every five seconds at most', async () => {
  const clock = createVirtualClock()
  let cleared = 0
  const written = clearDeadReaders(clock, () => (cleared += 1))
  for (let at = 0; at < 100; at++) {
    await clock.advance(500)
    written()
  }
  assert.is(cleared, 10)
})

test.run()
