import { createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Changes } from '../../src/hazelcast/changes.ts'
import { Completeness } from '../../src/hazelcast/completeness.ts'
import { packFrame, restamp } from '../../src/hazelcast/frame.ts'
import { Overtaken } from '../../src/hazelcast/overtaken.ts'
import { LostKeys } from '../../src/hazelcast/lost-keys.ts'
import { OwnWrites } from '../../src/hazelcast/own-writes.ts'
import { Repairs } from '../../src/hazelcast/repairs.ts'
import { HybridClock } from '../../src/time/hybrid-clock.ts'

const test = suite('hazelcast: no gap in silence')
const BEAT_MS = 10

interface Event {
  readonly key: string
  readonly stored: Buffer | null
  readonly old: Buffer | null
}

/** One reader of a map whose owner and one writer are played: each write gives the event that the reader is told, or is not. */
function open() {
  const clock = createVirtualClock()
  const completeness = new Completeness(30)
  const told: string[] = []
  const owner = new Map<string, Buffer>()
  const own = new OwnWrites()
  const lost = new LostKeys(clock, 60_000)
  const changes = new Changes({
    session: 'reader',
    clock,
    hybrid: new HybridClock(clock),
    completeness,
    feed: {
      change: ({ type, key, version }) => told.push(`${type} ${key}@${version}`),
      load: (records) => told.push(`load ${[...records].map(({ key, version }) => `${key}@${version}`).join(' ')}`),
      patch: (patched, reason) => told.push(`resync ${[reason, ...[...patched].map(({ key, version }) => `${key}@${version}`)].join(' ')}`),
    },
    lost,
    latest: () => undefined,
    earliest: () => undefined,
    restamp: (key, stored) => told.push(`restamp ${key} ${stored.length > 0}`),
    restore: (key) => told.push(`restore ${key}`),
    foreign: () => {},
    garbage: () => {},
  })
  const reads: string[] = []
  // Beats go on, unless a test holds them up.
  const beats = { stopped: false, echoMs: BEAT_MS, sentAtMs: -Infinity, id: 0 }
  const isLive: Changes['isLive'] = (known) => changes.isLive(known)
  const overtaken = new Overtaken({ clock, known: changes.known, isLive, echo: () => ({ sentAtMs: beats.sentAtMs, tookMs: beats.echoMs }) })
  const read = async (keys: readonly string[], whole: boolean): Promise<void> => {
    reads.push(whole ? 'all' : keys.join(' '))
    const scope = { since: changes.known.beginRead(), whole }
    const found = keys.map((key) => [key, owner.get(key) ?? null] as const)
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 2))
    await overtaken.come(found, scope, () => false)
    if (whole) for (let number = 1; number <= own.ended; number++) changes.done('writer', number)
    await changes.reconcile(found, scope)
    changes.known.endRead()
  }
  const load = (): Promise<void> => read([...owner.keys()], true)
  const copy = { readKeys: (keys: readonly string[]) => read(keys, false), load }
  const repairs = new Repairs({ session: 'reader', own: new OwnWrites(), changes, completeness, copy })
  const write = (key: string, version?: number, kind: 'put' | 'remove' = 'put'): Event => {
    const number = own.begin(key)
    own.made(number)
    const bytes = Buffer.from(key)
    const facts = { kind, version: version ?? number, session: 'writer', number, stampMs: clock.now() }
    const stored = packFrame({ ...facts, ttlMs: undefined, unheard: false, bytes })
    const old = owner.get(key) ?? null
    owner.set(key, stored)
    return { key, stored, old }
  }
  const hear = ({ key, stored, old }: Event): void => (stored === null ? changes.gone(key, old) : changes.stored(key, stored, old))
  const start = (): void => {
    void changes.first(owner)
    completeness.loaded(clock.now())
    told.length = 0
  }
  /** Both beat. */
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += BEAT_MS) {
      if (!beats.stopped) beats.sentAtMs = clock.now() - BEAT_MS
      changes.tellMissed()
      for (const numbers of repairs.tick(clock.now()).values()) own.asked(numbers, ++beats.id)
      const said = own.announce()
      for (const number of said.voids) changes.done('writer', number)
      repairs.named('writer', said)
      completeness.claim('writer', { n: said.n, echoOfMs: clock.now(), heardAtMs: clock.now() })
      await clock.advance(BEAT_MS)
    }
  }
  return { clock, changes, completeness, told, reads, own, owner, write, hear, start, pass, load, beats, lost }
}

test('a change is lost and the next of its key is told before the repair looks: one resync, and no more', async () => {
  const { told, reads, write, hear, start, pass, completeness, clock } = open()
  hear(write('a'))
  start()
  write('a')
  hear(write('a'))
  await pass(1000)
  assert.equal(told, ['put a@3', 'resync gap'])
  assert.equal(reads, ['a'], 'its number is missing all the same, and is looked for')
  assert.ok(clock.now() - completeness.completeAtMs <= 2 * BEAT_MS)
  hear(write('a'))
  await pass(1000)
  assert.equal(told, ['put a@3', 'resync gap', 'put a@4'])
})

test('the first change of a key is lost, and its next is told', async () => {
  const { told, write, hear, start, pass } = open()
  start()
  write('a')
  hear(write('a'))
  await pass(1000)
  assert.equal(told, ['put a@2', 'resync gap'])
})

test('many are lost at once, a first one and a remove among them: one resync for all', async () => {
  const { told, write, hear, start, pass } = open()
  for (const key of ['a', 'b', 'c']) hear(write(key))
  start()
  for (const key of ['a', 'b', 'new']) write(key)
  write('c', undefined, 'remove')
  for (const key of ['a', 'b', 'c', 'new']) hear(write(key))
  await pass(1000)
  assert.equal(told, ['put a@8', 'put b@9', 'put c@10', 'put new@11', 'resync gap'])
})

test('the next change comes while the map is read: that read changes nothing, and tells the resync', async () => {
  const { told, write, hear, start, pass, load, clock } = open()
  hear(write('a'))
  start()
  write('a')
  const next = write('a')
  const loading = load()
  hear(next)
  await clock.advance(BEAT_MS)
  await loading
  assert.equal(told, ['put a@3', 'resync gap'])
  await pass(1000)
  assert.is(told.length, 2)
})

test('a read that finds what was lost tells the only resync; so does one that finds what came and went', async () => {
  const { told, write, hear, start, pass } = open()
  hear(write('a'))
  start()
  write('a')
  await pass(1000)
  assert.equal(told, ['resync gap a@2'])
  hear(write('a'))
  write('b')
  write('b', undefined, 'remove')
  await pass(1000)
  assert.equal(told, ['resync gap a@2', 'put a@3', 'resync gap'])
})

test('an entry is lost, and then taken away: its watchers are told of both', async () => {
  const { told, write, hear, start, pass, owner } = open()
  hear(write('a'))
  start()
  const { stored } = write('a')
  owner.delete('a')
  hear({ key: 'a', stored: null, old: stored })
  await pass(1000)
  assert.ok(told[0]?.startsWith('remove a@'))
  assert.equal(told.slice(1), ['resync gap'])
})

test('what only comes late, within the grace, is told one by one', async () => {
  const { told, write, hear, start, pass, reads } = open()
  hear(write('a'))
  start()
  const late = [write('a'), write('b'), write('a'), write('b', undefined, 'remove'), write('a')]
  await pass(20)
  for (const event of late) hear(event)
  await pass(1000)
  assert.equal(told, ['put a@2', 'put b@3', 'put a@4', 'remove b@5', 'put a@6'])
  assert.equal(reads, [])
})

test('what was written before the first load is no gap, though its numbers are missing', async () => {
  const { told, reads, write, hear, start, pass } = open()
  for (const key of ['a', 'a', 'b']) write(key)
  start()
  hear(write('a'))
  await pass(1000)
  assert.equal(told, ['put a@4'])
  assert.equal(reads, ['a b'])
})

test('a write that was committed over a later version is no gap; one that was lost is', async () => {
  const { told, write, hear, start, pass } = open()
  hear(write('a', 10))
  start()
  const [behind, next] = [write('a', 5), write('a', 12)]
  hear(behind)
  hear(next)
  await pass(200)
  assert.equal(told, ['put a@12'])
  write('a', 11)
  hear(write('a', 13))
  await pass(200)
  assert.equal(told, ['put a@12', 'put a@13', 'resync gap'])
})

test('a write that comes after a later one of its process is passed over: what it replaced comes back, and that is no gap', async () => {
  const { told, write, hear, start, pass, completeness, clock } = open()
  hear(write('a'))
  start()
  for (const version of [2, 20]) {
    const late = write('a', version)
    const stands = write('a', version === 2 ? 3 : 10)
    hear({ ...stands, old: late.old })
    hear({ ...late, old: stands.stored })
    hear({ key: 'a', stored: restamp(stands.stored as Buffer, version + 4), old: late.stored })
  }
  await pass(200)
  assert.equal(told, ['put a@3', 'restore a', 'put a@6', 'put a@10', 'restore a', 'put a@24'])
  assert.ok(clock.now() - completeness.completeAtMs <= 2 * BEAT_MS, 'none is waited for')
})

test('an entry was lost, and is put anew: a gap', async () => {
  const { told, write, hear, start, pass, owner } = open()
  for (const key of ['a', 'b']) hear(write(key))
  start()
  owner.delete('a')
  hear(write('b', undefined, 'remove'))
  owner.delete('b')
  hear(write('a'))
  hear(write('b'))
  await pass(200)
  assert.equal(told, ['remove b@3', 'put a@4', 'put b@5', 'resync gap'])
  hear(write('a'))
  await pass(200)
  assert.is(told.length, 5)
})

test('what a read has brought, and events tell again, is no gap', async () => {
  const { told, write, hear, start, pass } = open()
  hear(write('a'))
  start()
  const events = [write('a'), write('a')]
  await pass(200)
  for (const event of [...events, write('a')]) hear(event)
  await pass(200)
  assert.equal(told, ['resync gap a@3', 'put a@4'])
})

test('a read that overtakes changes is no gap: they are told one by one when they come', async () => {
  const { told, write, hear, start, pass, load, owner, clock } = open()
  hear(write('a'))
  hear(write('gone'))
  start()
  const late = [write('a'), write('new'), write('a'), write('new', undefined, 'remove'), write('b')]
  owner.delete('gone')
  const loading = load()
  await pass(50)
  for (const event of late) hear(event)
  hear({ key: 'gone', stored: null, old: null })
  await pass(200)
  await loading
  assert.equal(told.slice(0, 5), ['put a@3', 'put new@4', 'put a@5', 'remove new@6', 'put b@7'])
  assert.ok(told[5]?.startsWith('remove gone@') && told.length === 6, told.join())
  assert.ok(clock.now() < 300)
})

test('of what a read has overtaken one change is lost: it is told when its time is over, and nothing else is', async () => {
  const { told, write, hear, start, pass, load, clock, beats } = open()
  beats.echoMs = 12
  hear(write('a'))
  hear(write('b'))
  start()
  write('a')
  const late = write('b')
  const loading = load()
  await pass(40)
  hear(late)
  assert.equal(told, ['put b@4'])
  await pass(40)
  assert.equal(told, ['put b@4'], 'held back')
  await pass(50)
  await loading
  assert.equal(told, ['put b@4', 'resync gap a@3'])
  assert.ok(clock.now() <= 140)
})

test('while beats do not come back, changes may be late too', async () => {
  const { told, write, hear, start, pass, load, beats } = open()
  hear(write('a'))
  start()
  const late = write('a')
  beats.stopped = true
  void load()
  await pass(300)
  assert.equal(told, [])
  hear(late)
  await pass(50)
  assert.equal(told, ['put a@2'])
  write('a')
  void load()
  await pass(600)
  assert.equal(told, ['put a@2', 'resync gap a@3'], 'not for ever')
})

test('what goes while it is read does not come back by that read', async () => {
  const { told, write, hear, start, pass, load, owner, clock } = open()
  const { stored } = write('a')
  hear({ key: 'a', stored, old: null })
  start()
  const loading = load()
  owner.delete('a')
  hear({ key: 'a', stored: null, old: stored })
  await clock.advance(5)
  await loading
  await pass(100)
  assert.ok(told.length === 1 && told[0]?.startsWith('remove a@'), told.join())
})

test('what the owner has lost is told, and is known as lost; an older value that comes back gets a version above', async () => {
  const { told, write, hear, start, pass, load, owner, lost } = open()
  const first = write('a')
  hear(first)
  hear(write('a'))
  hear(write('b'))
  start()
  owner.clear()
  await Promise.all([load(), pass(1000)])
  assert.equal([...told.splice(0).map((each) => each.replace(/@\d+/gu, ''))], ['resync gap a b'])
  assert.equal([lost.versionOf('a'), lost.versionOf('b'), lost.versionOf('c')], [2, 3, undefined])
  owner.set('a', first.stored as Buffer)
  await Promise.all([load(), pass(1000)])
  assert.equal(told, ['restamp a true'])
  assert.is(lost.versionOf('a'), 2)
  hear(write('a', 9))
  assert.is(lost.versionOf('a'), undefined)
})

test.run()
