import { archiveInBlobs, createBlobs, createMemoryBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { openDurable } from '@stigmergy/grid/durable'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { run } from './kit.ts'

const test = suite('stigmergy grid, over a journal whose archive is elsewhere')

test('verify says what it cannot read, and calls nothing of it damaged; get and tail say where it is not', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-elsewhere-'))
  try {
    const durable = await openDurable({ path })
    const bucket = createBlobs(createMemoryBytes(), createMemoryTags())
    const journal = durable.journal('decisions', { archive: archiveInBlobs(bucket), hotRecords: 5, segmentRecords: 10 })
    for (let seq = 1; seq <= 25; seq++) await journal.append('p', seq, Buffer.from(`${seq}`))
    await journal.tidy()
    const { cold } = await journal.extent()
    assert.is(cold, 20)
    await journal.close()
    await durable.close()
    const { code, out } = await run(['grid', 'verify', path])
    assert.equal([code, out.slice(1)], [0, ['not read: 20 records of journals, which lie in an archive elsewhere', 'all is well']])
    for (const args of [
      ['get', path, '3', '--journal', 'decisions'],
      ['tail', path, 'decisions', '--from', '3'],
    ]) {
      const { err } = await run(['grid', ...args])
      assert.match(err[0] ?? '', /^old records of journal decisions lie in blob \w+, which is not in .+: its archive is elsewhere/)
    }
    const json = await run(['grid', 'verify', path, '--json'])
    const found = JSON.parse(json.out[0] ?? '') as Record<string, unknown>
    assert.equal([found['journalRecords'], found['elsewhere'], found['damaged']], [5, 20, []])
  } finally {
    await rm(path, { recursive: true, force: true })
  }
})

test.run()
