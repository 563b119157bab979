import { connectBucket, openS3, type ObjectBucket } from '@stigmergy/grid/s3'
import type { Store } from '@stigmergy/grid/store'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import type { Versitygw } from '../../../../test/components/versitygw.ts'
import { startChild } from '../durable/kill-rounds.ts'
import { loginOf, type Login } from './server.ts'

const CHILD = fileURLToPath(new URL('pause-child.ts', import.meta.url))
const fence = { owner: 'writer', token: 1 }
const IDS = ['agent-0', 'agent-1', 'agent-2', 'agent-3']

/** Starts processes that contend for a lease in this bucket. */
export function s3Contender(login: Login): (owner: string) => ChildProcess {
  return (owner) => startChild(CHILD, [JSON.stringify(login), owner])
}

/** Kills the server with signal 9 in the middle of commits, starts it again, and looks at all of it; returns the commits acknowledged. */
export async function serverKillRounds(server: Versitygw, rounds: number, random: () => number): Promise<number> {
  const acknowledged = new Map<string, number>()
  let told = 0
  for (let round = 1; round <= rounds; round++) {
    const bucket = await connectBucket(loginOf(server))
    const { store, close } = await openS3({ bucket, revisions: 3, random })
    let over = false
    const before = told
    const until = async (enough: number): Promise<void> => {
      while (!over && told < before + enough) await wait(1)
    }
    const write = async (id: string): Promise<void> => {
      while (!over) {
        const rev = acknowledged.get(id) ?? 0
        // Through the kill and the new start: an answer that was lost is found out, so nothing is refused and nothing written twice.
        acknowledged.set(id, await store.commit(id, rev, fence, valueOf(rev + 1), [valueOf(rev + 1)]))
        told += 1
        if (rev % 20 === 19) await store.settle(id, fence, rev - 5)
      }
    }
    const writing = Promise.all(IDS.map(write)).finally(() => (over = true))
    writing.catch(() => undefined)
    await until(8)
    await wait(random() * 30)
    await server.process.kill()
    await server.restart()
    await until(16)
    over = true
    await writing
    await close()
    await check(bucket, acknowledged, `round ${round}`)
  }
  return told
}

async function check(bucket: ObjectBucket, acknowledged: ReadonlyMap<string, number>, round: string): Promise<void> {
  const { store, close } = await openS3({ bucket, revisions: 3 })
  const found = await all(store)
  assert.equal(found, IDS, `${round}: ids`)
  for (const [id, rev] of acknowledged) {
    const records = await store.revisions(id)
    const revs = records.map((record) => record.rev)
    assert.equal(
      revs,
      [rev, rev - 1, rev - 2].filter((each) => each > 0),
      `${round}: revisions of ${id}`,
    )
    const outbox = await store.outbox(id)
    assert.is(outbox.at(-1)?.seq, rev, `${round}: the outbox of ${id} ends with the state`)
    for (const { rev: each, value } of records) assert.ok(Buffer.compare(value, valueOf(each)) === 0, `${round}: ${id} revision ${each}`)
    for (const { seq, value } of outbox) assert.ok(Buffer.compare(value, valueOf(seq)) === 0, `${round}: outbox item ${seq} of ${id}`)
  }
  await close()
}

async function all(store: Store): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of store.scan()) ids.push(id)
  return ids
}

/** A value that shows when it is torn: its revision, over and over, of a length that depends on it. */
function valueOf(rev: number): Buffer {
  const value = Buffer.alloc(8 * (1 + ((rev * 37) % 700)))
  for (let at = 0; at < value.length; at += 8) value.writeBigUInt64BE(BigInt(rev), at)
  return value
}
