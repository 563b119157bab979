import { createVirtualClock } from '@stigmergy/grid'
import { openAudit } from '@stigmergy/grid/audit'
import { createBlobs, createMemoryBytes, createMemoryTags, type Blobs } from '@stigmergy/grid/blobs'
import { createMemoryStore, StoreError, type Store } from '@stigmergy/grid/store'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('audit: what another process left, or took')
const fence = { owner: 'planner-1', token: 4 }

interface Place {
  readonly store: Store
  readonly blobs: Blobs
}

const place = (): Place => ({ store: createMemoryStore(), blobs: createBlobs(createMemoryBytes(), createMemoryTags()) })

/** Blobs out of reach. */
const away = (blobs: Blobs): Blobs => ({
  ...blobs,
  put: async () => {
    throw new StoreError('STORE_UNREACHABLE', 'the bucket does not answer')
  },
})

/** Records, and ends with nothing delivered. */
async function leave({ store, blobs }: Place, name: string, by = fence): Promise<void> {
  const audit = openAudit({ store, blobs: away(blobs), fence: by, clock: createVirtualClock() })
  await audit.record(name, { plan: 1 })
  await audit.close()
}

async function turns(): Promise<void> {
  for (let at = 0; at < 20; at++) await turn()
}

test('what a process of the same owner has left is delivered, though nobody names it, by the fence of then', async () => {
  const at = place()
  await leave(at, 'cell-7')
  await leave(at, 'cell-8', { owner: 'planner-1', token: 2 })
  await leave(at, 'cell-9', { owner: 'planner-2', token: 1 })
  const audit = openAudit({ ...at, fence, clock: createVirtualClock() })
  await turns()
  assert.equal(await audit.versions('cell-7'), [1])
  assert.equal(await audit.versions('cell-8'), [1])
  assert.equal(await audit.versions('cell-9'), [], "another owner's")
  assert.is(audit.stats().delivered, 2)
  assert.is((await at.store.get('audit/cell-8'))?.fence.token, 2, 'whoever records there with that fence is not kept out')
  await openAudit({ ...at, fence: { owner: 'planner-1', token: 2 }, clock: createVirtualClock() }).record('cell-8', { plan: 2 })
  await audit.close()
})

test('a bucket that does not answer is tried again for them as well, and closing ends that', async () => {
  const at = place()
  await leave(at, 'cell-7')
  const clock = createVirtualClock()
  let down = true
  const put: Blobs['put'] = (...given) => (down ? away(at.blobs).put(...given) : at.blobs.put(...given))
  const audit = openAudit({ ...at, blobs: { ...at.blobs, put }, fence, clock })
  await turns()
  assert.is(audit.stats().failed, 1)
  down = false
  await clock.advance(1000)
  await turns()
  assert.equal(await audit.versions('cell-7'), [1])
  await audit.close()
  assert.is(clock.pending, 0)
})

test('what another process delivers does not count as waiting', async () => {
  const at = place()
  const clock = createVirtualClock()
  const mine = openAudit({ ...at, blobs: away(at.blobs), fence, clock, maxUndelivered: 3 })
  const other = openAudit({ ...at, fence, clock: createVirtualClock() })
  for (let plan = 1; plan <= 12; plan++) {
    await mine.record('cell', { plan })
    await turns()
    await other.flush('cell')
    // Its next look at the outbox finds it empty.
    await mine.flush('cell').catch(() => undefined)
  }
  await mine.close()
  await other.close()
  assert.is((await at.blobs.tags('audit/cell')).length, 12)
})

test('closing waits ten seconds for all names together', async () => {
  const at = place()
  const clock = createVirtualClock()
  const put: Blobs['put'] = () => new Promise(() => undefined)
  const audit = openAudit({ ...at, blobs: { ...at.blobs, put }, fence, clock })
  for (let name = 0; name < 40; name++) await audit.record(`cell-${name}`, { plan: 1 })
  const before = clock.now()
  const closing = audit.close()
  await turns()
  await clock.advance(10_000)
  await closing
  assert.is(clock.now() - before, 10_000)
})

test.run()
