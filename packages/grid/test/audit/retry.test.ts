import { createVirtualClock, type VirtualClock } from '@stigmergy/grid'
import { openAudit, type Audit } from '@stigmergy/grid/audit'
import { createBlobs, createMemoryBytes, createMemoryTags, type Blobs } from '@stigmergy/grid/blobs'
import { createMemoryStore, isStoreError, StoreError, type Store } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('audit: deliveries that failed')
const fence = { owner: 'planner-1', token: 4 }

interface Cell {
  readonly clock: VirtualClock
  readonly store: Store
  readonly blobs: Blobs
  readonly audit: Audit
  down: boolean
  puts: number
}

function open(): Cell {
  const clock = createVirtualClock()
  const store = createMemoryStore()
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const put: Blobs['put'] = async (...given) => {
    cell.puts += 1
    if (cell.down) throw new StoreError('STORE_UNREACHABLE', 'the bucket does not answer')
    return blobs.put(...given)
  }
  const audit = openAudit({ store, blobs: { ...blobs, put }, fence, clock })
  const cell: Cell = { clock, store, blobs, audit, down: false, puts: 0 }
  return cell
}

test('they are tried again by themselves, after growing pauses', async () => {
  const cell = open()
  const { clock, audit } = cell
  cell.down = true
  await audit.record('cell', { stop: 'emergency' })
  const at: number[] = []
  for (let tries = 0; tries < 8; tries++) {
    await clock.advance(0)
    at.push((clock.nextAt() ?? 0) - clock.now())
    await clock.step()
  }
  assert.equal(at, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  cell.down = false
  await clock.advance(60_000)
  assert.equal(await audit.versions('cell'), [1])
  assert.is(clock.pending, 0)
  await audit.close()
})

test('closing tries once more, and leaves no timer', async () => {
  const cell = open()
  const { clock, audit } = cell
  cell.down = true
  await audit.record('cell', 1)
  await clock.advance(0)
  const { puts } = cell
  await audit.close()
  assert.equal([cell.puts, clock.pending], [puts + 1, 0])
})

test('a name that is stuck keeps no other: both flush and close deliver those', async () => {
  for (const ends of ['flush', 'close'] as const) {
    const cell = open()
    const { audit, blobs, store } = cell
    cell.down = true
    await audit.record('aaa', 1)
    await audit.record('bbb', 1)
    const { id } = await blobs.put(Buffer.from('of another store'))
    await blobs.tag('audit/aaa', '1.0.0', id)
    cell.down = false
    const [ended] = await Promise.allSettled([audit[ends]()])
    if (ends === 'flush') assert.ok(ended?.status === 'rejected' && isStoreError(ended.reason, 'TAG_CONFLICT'))
    assert.equal([(await store.outbox('audit/aaa')).length, (await store.outbox('audit/bbb')).length], [1, 0])
    await audit.close()
    assert.is(cell.clock.pending, 0)
  }
})

test.run()
