import { createVirtualClock } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { isStoreError } from '@stigmergy/grid/store'
import { once } from 'node:events'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needs } from '../../../../test/runner/needs.ts'
import { LateWrites } from '../../src/durable/late-writes.ts'
import { startChild } from './kill-rounds.ts'
import { newPlace } from './places.ts'

const test = suite('writes that wait for long')
const onLinux = needs(test, 'the futexes of Linux', process.platform === 'linux')
const HOLDER = fileURLToPath(new URL('hold-child.ts', import.meta.url))
const fence = { owner: 'a', token: 1 }
/** Of a futex: somebody waits for it. */
const WAITERS = 0x80000000

test('it is told once nothing has ended for the time, again and again, and nothing is left behind', async () => {
  const clock = createVirtualClock()
  let told = 0
  const late = new LateWrites(clock, 100, () => (told += 1))
  const ends: (() => void)[] = []
  const start = (): Promise<void> => late.follow(new Promise<void>((resolve) => ends.push(resolve)))
  const first = start()
  const second = start()
  await clock.advance(99)
  assert.is(told, 0)
  ends[0]?.()
  await first
  await clock.advance(1)
  assert.is(told, 0, 'one has ended meanwhile')
  await clock.advance(250)
  assert.is(told, 2)
  ends[1]?.()
  await second
  await clock.advance(1000)
  assert.equal([told, clock.pending], [2, 0])
  // What never ends is given up, and another write is looked after anew.
  void start()
  await clock.advance(10_000)
  assert.equal([told, clock.pending], [10, 0])
  const last = start()
  await clock.advance(150)
  assert.is(told, 11)
  ends[3]?.()
  await last
  late.close()
  assert.is(clock.pending, 0)
})

/** Where in lock.mdb the lock stands that a thread of this process holds and others wait for. */
async function lockOf(path: string, pid: number): Promise<number> {
  const threads = (await readdir(`/proc/${pid}/task`)).map(Number)
  for (const endMs = performance.now() + 10_000; performance.now() < endMs; await wait(5)) {
    const bytes = await readFile(join(path, 'lock.mdb'))
    for (let at = 0; at + 4 <= bytes.length; at += 4) if (threads.includes(bytes.readUInt32LE(at) - WAITERS)) return at
  }
  throw new Error('nobody waits for the lock')
}

onLinux('a wake-up that was lost with a killed process: who waits finds by itself that the lock is free', async () => {
  const place = await newPlace()
  const { store, close } = await openDurable({ path: place.path, timeoutMs: 4000 })
  await store.commit('x', 0, fence, Buffer.from('1'))
  const holder = startChild(HOLDER, [place.path])
  const exited = once(holder, 'exit')
  try {
    await once(holder.stdout as NonNullable<typeof holder.stdout>, 'data')
    const written = store.commit('x', 1, fence, Buffer.from('2')).then(
      (rev) => rev,
      (error: unknown) => (isStoreError(error) ? error.code : error),
    )
    const at = await lockOf(place.path, holder.pid ?? 0)
    // As if it had been given up, and the one that was told of it were dead.
    const lock = await open(join(place.path, 'lock.mdb'), 'r+')
    await lock.write(Buffer.alloc(4), 0, 4, at)
    await lock.close()
    assert.is(await written, 2)
  } finally {
    holder.kill('SIGKILL')
    await exited
    await close()
    await place.done()
  }
})

test.run()
