import { embedded, openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDurableReader } from '../../src/durable/durable-reader.ts'
import { quickPlace } from './places.ts'

const test = suite('a relative path, and a process that goes elsewhere')

test('it means the directory where the process was when it was given', async () => {
  const place = await quickPlace()
  const [here, there] = [join(place.path, 'here'), join(place.path, 'there')]
  await Promise.all([mkdir(here), mkdir(there)])
  const before = process.cwd()
  try {
    process.chdir(here)
    const durable = await openDurable({ path: 'data' })
    const first = await durable.blobs.put(Buffer.from('first'))
    const backend = embedded({ path: 'maps' })
    const reader = await openDurableReader('data')
    process.chdir(there)
    const second = await durable.blobs.put(Buffer.from('second'))
    await durable.blobs.tag('policy', '1.0.0', second.id)
    for (const { id } of [first, second]) assert.is((await durable.blobs.stat(id)).id, id)
    assert.is(Buffer.from(await reader.blobs.readAll(first.id)).toString(), 'first')
    const grid = await openGrid(backend)
    await grid.map<number>('m').put('k', 1)
    await Promise.all([grid.close(), reader.close(), durable.close()])
    assert.equal([await readdir(there), (await readdir(here)).toSorted()], [[], ['data', 'maps']])
  } finally {
    process.chdir(before)
    await place.done()
  }
})

test.run()
