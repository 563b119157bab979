import { archiveInBlobs } from '@stigmergy/grid/blobs'
import { openDurable, type Durable } from '@stigmergy/grid/durable'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { killHard, startAhead } from '../durable/kill-rounds.ts'

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url))
/** What was acknowledged or seen so far, and must stay. */
interface Known {
  readonly records: Map<string, number>
  readonly blobs: Map<string, string>
  /** Up to here the journal was read in an earlier round. */
  readTo: number
  readonly last: Map<string, number>
  readonly read: Set<string>
}

/** Kills a process that appends and puts blobs with signal 9 at a random moment, again and again, and looks at all after each. */
export async function killRounds(path: string, rounds: number, random: () => number): Promise<{ records: number; blobs: number }> {
  const known: Known = { records: new Map(), blobs: new Map(), readTo: 0, last: new Map(), read: new Set() }
  const writers = startAhead(CHILD, (round) => [path, String(round)])
  try {
    for (let round = 1; round <= rounds; round++) {
      const child = writers.take()
      const stdout = child.stdout as Readable
      const exited = once(child, 'exit')
      let text = ''
      stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      // However slow the machine is: some of each kind are acknowledged before the kill.
      while (!/record .*\n/.test(text) || text.split('blob ').length < 3) {
        assert.is(child.exitCode, null, `round ${round}: the writer ended before it wrote`)
        await Promise.race([once(stdout, 'data'), exited])
      }
      await wait(random() * 40)
      await killHard(child, exited, `round ${round}: the writer`)
      // The last line may be cut in the middle by the kill.
      for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
        const [kind, name = '', what = ''] = line.split(' ')
        if (kind === 'record') known.records.set(name, Number(what))
        else known.blobs.set(name, what)
      }
      const durable = await openDurable({ path })
      try {
        await checkRecords(durable, known, `round ${round}`)
        await checkBlobs(durable, known, `round ${round}`)
      } finally {
        await durable.close()
      }
    }
    return { records: known.readTo, blobs: known.blobs.size }
  } finally {
    writers.end()
  }
}

async function checkRecords(durable: Durable, known: Known, round: string): Promise<void> {
  const journal = durable.journal('audit', { archive: archiveInBlobs(durable.blobs), hotRecords: 64, segmentRecords: 32 })
  for (;;) {
    const records = await journal.read(known.readTo)
    if (records.length === 0) break
    for (const { offset, producer, seq, value } of records) {
      assert.is(offset, known.readTo, round)
      assert.is(seq, (known.last.get(producer) ?? 0) + 1, `${round}: ${producer}`)
      assert.ok(Buffer.alloc(1 + (seq % 900), seq).equals(value), `${round}: ${producer} ${seq} is half-written`)
      known.last.set(producer, seq)
      known.readTo += 1
    }
  }
  for (const [producer, seq] of known.records) {
    const last = known.last.get(producer) ?? 0
    // One more than acknowledged: committed, and killed before it could say so.
    assert.ok(last === seq || last === seq + 1, `${round}: ${producer} is at ${last}, acknowledged was ${seq}`)
    assert.is(await journal.lastSeq(producer), last)
    known.records.set(producer, last)
  }
  // What was moved to blobs must read as before.
  assert.is((await journal.read(0, { limit: 5 })).length, Math.min(5, known.readTo), round)
  await journal.close()
}

async function checkBlobs(durable: Durable, known: Known, round: string): Promise<void> {
  const tags = new Map((await durable.blobs.tags('policy')).map(({ version, id }) => [version, id]))
  for (const [version, id] of known.blobs) assert.is(tags.get(version), id, `${round}: the tag ${version}`)
  for (const [version, id] of tags) known.blobs.set(version, id)
  for await (const { id } of durable.blobs.list()) {
    // It throws where the bytes are not those of the id.
    if (!known.read.has(id)) await durable.blobs.readAll(id)
    known.read.add(id)
  }
  for (const id of tags.values()) assert.ok(known.read.has(id), `${round}: the blob ${id}`)
}
