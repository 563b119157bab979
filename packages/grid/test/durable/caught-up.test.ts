import { embedded, openGrid, type Grid } from '@stigmergy/grid'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { recordId } from '../../src/durable/grid/rows.ts'
import { resolveDurableOptions } from '../../src/durable/options.ts'
import { quickPlace } from './places.ts'

const test = suite('caught up with a directory, level process')

/** Each as in another process, and deaf: no ring and no look tells one what the other has written. */
async function deaf(use: (ours: Grid, theirs: Grid, path: string) => Promise<void>): Promise<void> {
  const place = await quickPlace()
  // The socket of a bell in it would have too long a path.
  const path = join(place.path, 'x'.repeat(120))
  await mkdir(path)
  const grids = [await openGrid(embedded({ path, pollMs: 600_000 })), await openGrid(embedded({ path, pollMs: 600_000 }))] as const
  try {
    await use(...grids, path)
  } finally {
    await Promise.all(grids.map((grid) => grid.close()))
    await place.done()
  }
}

test('what another process has written is in the copy, and told', () =>
  deaf(async (ours, theirs) => {
    const [from, to] = [ours.map<number>('m'), theirs.map<number>('m')]
    const told: string[] = []
    to.watch((change) => told.push(change.type))
    for (let n = 1; n <= 5; n++) {
      await from.put('k', n)
      assert.is(to.peek('k')?.value, n === 1 ? undefined : n - 1, 'it is deaf')
      await to.caughtUp()
      assert.is(to.peek('k')?.value, n)
    }
    await from.remove('k')
    await to.caughtUp()
    assert.is(to.peek('k'), undefined)
    await Promise.resolve()
    assert.equal(told, ['put', 'put', 'put', 'put', 'put', 'remove'])
  }))

test('what this process has written is in it as soon as others can see it, before its own promise resolves', () =>
  deaf(async (ours, _theirs, path) => {
    const map = ours.map<number>('m')
    await map.put('k', 0)
    const look = await openEnvironment(resolveDurableOptions({ path }))
    const records = look.table('grid', true)
    const version = (): number => look.read(records, Buffer.from(recordId('m', 'k')), 'the record').version
    let seen = 0
    for (let n = 1; n <= 20; n++) {
      const before = version()
      let resolved = false
      const written = map.put('k', n).then(() => (resolved = true))
      for (let turn = 0; turn < 10 && version() === before; turn++) {
        await new Promise((resolve) => setImmediate(resolve))
        // Without a turn of the event loop: the thread of lmdb commits meanwhile, and this process has not heard of it.
        for (const endMs = performance.now() + 5; version() === before && performance.now() < endMs;);
      }
      if (!resolved) {
        seen += 1
        assert.ok(map.ageMs() > 0, 'the copy is not complete')
        await map.caughtUp()
        assert.equal([map.peek('k')?.value, resolved], [n, false])
      }
      await written
    }
    assert.ok(seen > 0, 'never was it committed and not known here')
    await look.close()
  }))

test.run()
