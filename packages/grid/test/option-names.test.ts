import { bounded, createVirtualClock, isGridError, openGrid, type GridMap } from '@stigmergy/grid'
import { createBlobs, createDiskBytes, createMemoryBytes, createMemoryTags } from '@stigmergy/grid/blobs'
import { openAudit } from '@stigmergy/grid/audit'
import { hazelcast } from '@stigmergy/grid/hazelcast'
import { createMemoryJournalTable, openJournal } from '@stigmergy/grid/journal'
import { createMemoryStore, isStoreError } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

/** A misspelt option is refused wherever options are taken: it would be without effect, and nobody would know. */
const test = suite('names of options')

const typo = (name: string): never => ({ [name]: 5 }) as never

async function refused(what: string, call: () => unknown): Promise<void> {
  let error: unknown
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(isGridError(error, 'BAD_OPTION') || isStoreError(error, 'BAD_OPTION'), `${what}: ${String(error)}`)
  assert.match(error.message, new RegExp(`^[\\w ]+ has no option "${what}": it has `), what)
}

test('of maps and topics', async () => {
  const grid = await openGrid({ clock: createVirtualClock() })
  const map: GridMap<number> = grid.map<number>('m')
  await map.put('k', 1)
  await refused('maxAge', () => map.get('k', typo('maxAge')))
  await refused('ttl', () => map.put('k', 2, typo('ttl')))
  await refused('ttlMS', () => map.putAll([['k', 2]], typo('ttlMS')))
  await refused('sorce', () => map.compareAndSet('k', 1, 2, typo('sorce')))
  await refused('ttl', () => map.update('k', () => 2, typo('ttl')))
  await refused('expectedVersion', () => map.remove('k', typo('expectedVersion')))
  await refused('ttlMs', () => map.removeIf('k', 1, typo('ttlMs')))
  await refused('signl', () => map.clear(typo('signl')))
  await refused('deadline', () => map.caughtUp(typo('deadline')))
  await refused('keys', () => map.watch(() => undefined, typo('keys')))
  await refused('maxAge', () => map.onAge(typo('maxAge'), () => undefined))
  await refused('sortBy', () => map.index(typo('sortBy')))
  await refused('tracing', () => grid.topic('t').publish(1, typo('tracing')))
  await refused('size', () => grid.topic('t').subscribe(() => undefined, typo('size')))
  assert.is(map.peek('k')?.value, 1, 'nothing was written')
  // An empty object, and options that are right, are as good as none.
  await map.put('k', 3, {})
  await map.put('k', 4, { ttlMs: 1000 })
  assert.is((await map.get('k', { consistency: 'strong' }))?.value, 4)
  const [result] = await Promise.allSettled([map.put('k', 5, null as never)])
  assert.ok(result?.status === 'rejected' && isGridError(result.reason, 'BAD_OPTION'))
  await grid.close()
})

test('of stores, journals, blobs and audits', async () => {
  const store = createMemoryStore()
  const blobs = createBlobs(createMemoryBytes(), createMemoryTags())
  const journal = openJournal(createMemoryJournalTable(), 'j')
  const reader = await journal.reader('r')
  const audit = openAudit({ store, blobs, fence: { owner: 'a', token: 1 } })
  const { id } = await blobs.put(Buffer.from('x'))
  await refused('prefx', async () => {
    for await (const _ of store.scan(typo('prefx')));
  })
  await refused('limt', () => journal.read(0, typo('limt')))
  await refused('timeout', () => journal.pauseWhenLag('r', 0, typo('timeout')))
  await refused('most', () => reader.next(typo('most')))
  await refused('sign', () => blobs.put(Buffer.from('y'), typo('sign')))
  await refused('start', async () => {
    for await (const _ of blobs.read(id, typo('start')));
  })
  await refused('maxByte', () => blobs.readAll(id, typo('maxByte')))
  await refused('form', () => blobs.tag('t', '1.0.0', id, typo('form')))
  await refused('levl', () => createDiskBytes({ path: 'nowhere', levl: 'host' } as never))
  for (const bad of [{ path: 'nowhere', level: 'power' }, { path: '' }, {}]) {
    assert.throws(
      () => createDiskBytes(bad as never),
      (error: unknown) => isStoreError(error, 'BAD_OPTION'),
    )
  }
  await refused('graceMS', () => blobs.collect(typo('graceMS')))
  await refused('trac', () => audit.record('cell', 1, typo('trac')))
  assert.is((await blobs.stat(id)).size, 1, 'nothing was collected')
  let archive: unknown
  try {
    openJournal(createMemoryJournalTable(), 'k', { archive: {} as never })
  } catch (error) {
    archive = error
  }
  assert.ok(isStoreError(archive, 'BAD_OPTION'), String(archive))
  await audit.close()
  await journal.close()
})

async function says(call: () => unknown, text: RegExp): Promise<void> {
  const [result] = await Promise.allSettled([(async () => call())()])
  assert.ok(result?.status === 'rejected' && isGridError(result.reason, 'BAD_OPTION'), `${String(text)}: ${JSON.stringify(result)}`)
  assert.match(result.reason.message, text)
}

test('what is no clock, no hook, no backend and no maker of ids is refused', async () => {
  const wrong = (value: unknown): never => value as never
  await says(() => openGrid(wrong({ clock: {} })), /^clock is \{\}: give a clock such as createVirtualClock\(\)/)
  await says(() => openGrid(wrong({ ids: 5 })), /^ids is 5/)
  await says(() => openGrid(wrong({ ids: () => 5 })), /ids?(\(\))? .*5/)
  await says(() => openGrid(wrong({ open: 5 })), /no option "open"/)
  await says(() => bounded(wrong(undefined)), /^the backend is undefined/)
  await says(() => hazelcast(wrong({ clock: {} })), /^clock is/)
  await says(() => hazelcast(wrong({ deadlineMs: null })), /^deadlineMs is null/)
  await says(() => hazelcast({ beatMs: 10, silentMs: 5 }), /^silentMs is 5: give more than beatMs, which is 10/)
  const grid = await openGrid({ clock: createVirtualClock() })
  await says(() => grid.map('new', wrong(null)), /^options of map is null: give an object/)
  await says(() => grid.map<number>('m').clear(wrong({ signal: 5 })), /^signal is 5: give an AbortSignal/)
  await says(() => grid.topic('t').publish(1, wrong({ signal: 5 })), /^signal is 5: give an AbortSignal/)
  await says(() => grid.use(wrong(null)), /^hooks is null/)
  await says(() => grid.use(wrong({ onChang: () => undefined })), /^there is no hook "onChang": give onChange, onListenerError/)
  await says(() => grid.use(wrong({ onChange: 5 })), /^onChange is 5/)
  await says(() => grid.map('\udc00half'), /half of a surrogate pair/)
  await says(() => grid.topic('half\ud800'), /half of a surrogate pair/)
  await grid.close()
})

test.run()
