import { createVirtualClock } from '@stigmergy/grid'
import { openAudit, type Audit, type AuditOptions } from '@stigmergy/grid/audit'
import { createBlobs, createMemoryBytes, createMemoryTags, type Blobs } from '@stigmergy/grid/blobs'
import { createMemoryStore, isStoreError, StoreError, type StoreErrorCode } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('audit of a store that is not the one of the blobs')
const fence = { owner: 'planner-1', token: 4 }

function open(blobs: AuditOptions['blobs'], change: Partial<AuditOptions> = {}): Audit {
  return openAudit({ store: createMemoryStore(), blobs, fence, clock: createVirtualClock(), ...change })
}

/** Blobs with three versions of `cell`, from a store that is gone. */
async function blobsOfBefore(): Promise<Blobs> {
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const audit = open(blobs)
  for (const at of [1, 2, 3]) await audit.record('cell', { old: at })
  await audit.close()
  return blobs
}

async function refused(promise: Promise<unknown>, code: StoreErrorCode, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([promise])
  const error: unknown = result?.status === 'rejected' ? result.reason : undefined
  assert.ok(isStoreError(error, code), String(error))
  assert.match(error.message, text)
}

test('its first version is refused, other names go on, and the blobs are as they were', async () => {
  const blobs = await blobsOfBefore()
  const store = createMemoryStore()
  const audit = open(blobs, { store })
  await refused(audit.record('cell', { new: 1 }), 'TAG_CONFLICT', /the blobs have version 1 of cell already, and not from this store: give/)
  assert.equal(await audit.record('cell-2', { new: 1 }), { version: 1 })
  await audit.close()
  assert.is(await store.get('audit/cell'), undefined)
  assert.equal(await audit.versions('cell'), [1, 2, 3])
})

test('a name that is removed from the store under an open audit is refused as well', async () => {
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const store = createMemoryStore()
  const audit = open(blobs, { store })
  await audit.record('cell', 1)
  await audit.flush()
  await store.delete('audit/cell', fence)
  await refused(audit.record('cell', 2), 'TAG_CONFLICT', /version 1 of cell/)
})

test('found out by delivering: what is acknowledged stays, what follows is refused until the tag is gone', async () => {
  const blobs = await blobsOfBefore()
  let broken = true
  const tags: Blobs['tags'] = async (name) => {
    if (broken) throw new StoreError('STORE_UNREACHABLE', 'the bucket does not answer')
    return blobs.tags(name)
  }
  const audit = open({ ...blobs, tags })
  assert.equal(await audit.record('cell', { new: 1 }), { version: 1 })
  broken = false
  await refused(audit.flush(), 'TAG_CONFLICT', /version 1 of cell already/)
  await refused(audit.record('cell', { new: 2 }), 'TAG_CONFLICT', /version 1 of cell already/)
  assert.equal((await audit.read('cell', 1))?.document, { new: 1 })
  for (const { version, id } of await blobs.tags('audit/cell')) await blobs.untag('audit/cell', version, id)
  assert.equal(await audit.record('cell', { new: 2 }), { version: 2 })
  await audit.close()
  assert.equal(await audit.versions('cell'), [1, 2])
})

test('blobs that do not answer hold the first version up for a second', async () => {
  const blobs = await blobsOfBefore()
  const clock = createVirtualClock()
  const audit = open({ ...blobs, tags: () => new Promise(() => undefined) }, { clock })
  const recorded = audit.record('cell', { new: 1 })
  for (let turn = 0; turn < 100 && clock.nextAt() === undefined; turn++) await Promise.resolve()
  assert.is(clock.nextAt(), clock.now() + 1000)
  await clock.step()
  assert.equal(await recorded, { version: 1 })
})

test('too many that wait tell why', async () => {
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const put = (): Promise<never> => Promise.reject(new StoreError('STORE_ACCESS', 'the key is wrong'))
  const audit = open({ ...blobs, put }, { maxUndelivered: 1 })
  await audit.record('cell', 1)
  await audit.flush().catch(() => undefined)
  await refused(
    audit.record('cell', 2),
    'STORE_BUSY',
    /1 versions of cell wait for the blobs; .*; the last delivery failed: the key is wrong/,
  )
})

test.run()
