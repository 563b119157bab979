import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createPump, type Runnable } from '../src/cell/pump.ts'

const test = suite('pump')

/** Something with `work` events to handle; writes down each turn. */
function worker(name: string, work: number, log: string[]): Runnable & { left: number } {
  return {
    left: work,
    queued: false,
    get ready() {
      return this.left > 0
    },
    run(limit) {
      const handled = Math.min(limit, this.left)
      this.left -= handled
      log.push(`${name} ${handled}`)
      return handled
    },
  }
}

const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 100; i++) await Promise.resolve()
}

test('everybody has a turn before anybody has a second one', async () => {
  const pump = createPump()
  const log: string[] = []
  pump.wake(worker('a', 100, log))
  pump.wake(worker('b', 10, log))
  assert.equal(log, [], 'not on the stack of the caller')
  await microtasks()
  assert.equal(log, ['a 64', 'b 10', 'a 36'])
  pump.close()
})

test('woken twice is one turn', async () => {
  const pump = createPump()
  const log: string[] = []
  const a = worker('a', 1, log)
  pump.wake(a)
  pump.wake(a)
  await microtasks()
  assert.equal(log, ['a 1'])
  pump.close()
})

test('microtasks of others come between two rounds', async () => {
  const pump = createPump()
  const log: string[] = []
  pump.wake(worker('a', 128, log))
  queueMicrotask(() => log.push('other'))
  await microtasks()
  assert.equal(log, ['a 64', 'other', 'a 64'])
  pump.close()
})

test('after a thousand events the event loop turns, then it goes on', async () => {
  const pump = createPump()
  const a = worker('a', 2500, [])
  const b = worker('b', 2500, [])
  pump.wake(a)
  pump.wake(b)
  const seen: number[] = []
  for (let i = 0; i < 5; i++) {
    await microtasks()
    seen.push(a.left + b.left)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(seen, [4000, 3000, 2000, 1000, 0])
  assert.ok(Math.abs(a.left - b.left) <= 64)
  pump.close()
})

test('closed, it leaves nothing behind', async () => {
  const pump = createPump()
  const a = worker('a', 5000, [])
  pump.wake(a)
  await microtasks()
  pump.close()
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(a.left, 4000)
})

test.run()
