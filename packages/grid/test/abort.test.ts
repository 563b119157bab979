import { createVirtualClock, embedded, openGrid, type GridBackend, type GridMap, type MapOptions, type TopicDriver } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gated, release } from './gated-backend.ts'

const test = suite('aborted calls')

type Call = (map: GridMap<number>, signal: AbortSignal) => Promise<unknown>

const reads: Readonly<Record<string, Call>> = {
  'get strong': (map, signal) => map.get('k', { consistency: 'strong', signal }),
}
const writes: Readonly<Record<string, Call>> = {
  put: (map, signal) => map.put('k', 2, { signal }),
  putAll: (map, signal) => map.putAll([['k', 2]], { signal }),
  compareAndSet: (map, signal) => map.compareAndSet('k', map.peek('k')?.version ?? 0, 2, { signal }),
  update: (map, signal) => map.update('k', () => 2, { signal }),
  remove: (map, signal) => map.remove('k', { signal }),
  clear: (map, signal) => map.clear({ signal }),
  removeIf: (map, signal) => map.removeIf('k', map.peek('k')?.version ?? 0, { signal }),
}

/** A signal that counts who listens to it. */
function counted(): { readonly controller: AbortController; readonly listeners: () => number } {
  const controller = new AbortController()
  const { signal } = controller
  let listeners = 0
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners++
    add(...given)
  }
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners--
    remove(...given)
  }
  return { controller, listeners: () => listeners }
}

async function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'resolved',
    (error: unknown) => error,
  )
}

for (const [name, call] of Object.entries({ ...reads, ...writes })) {
  for (const options of [{}, { merge: 'last-writer-wins' }, { coalesceWrites: true }] as MapOptions<number>[]) {
    test(`${name}, ${JSON.stringify(options)}: a signal ends the call under way with its reason; a write is made all the same`, async () => {
      const gates = gated(embedded())
      const grid = await openGrid(gates, { clock: createVirtualClock() })
      const map = grid.map<number>('m', options)
      await map.put('k', 1)
      const { controller, listeners } = counted()
      gates.hold.commits = true
      gates.hold.reads = true
      const ended = outcome(call(map, controller.signal))
      // It has reached the gate.
      while (gates.held.length === 0) await new Promise((resolve) => setImmediate(resolve))
      const reason = new Error('no longer wanted')
      controller.abort(reason)
      assert.is(await ended, reason)
      release(gates.held)
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(
        [map.peek('k')?.value, listeners()],
        [name in reads ? 1 : name.startsWith('remove') || name === 'clear' ? undefined : 2, 0],
      )
      await grid.close()
    })
  }
}

test('a call that ends is deaf to its signal; one of a signal that is aborted before sends nothing', async () => {
  const gates = gated(embedded())
  const grid = await openGrid(gates)
  const map = grid.map<number>('m')
  const { controller, listeners } = counted()
  for (const [name, call] of Object.entries({ ...reads, ...writes })) {
    await call(map, controller.signal)
    assert.is(listeners(), 0, name)
  }
  gates.hold.commits = true
  gates.hold.reads = true
  const reason = new Error('too late')
  for (const [name, call] of Object.entries({ ...reads, ...writes })) {
    assert.is(await outcome(call(map, AbortSignal.abort(reason))), reason, name)
  }
  assert.is(gates.held.length, 0)
  await grid.close()
})

test('an update that has to ask first is ended as well', async () => {
  const gates = gated(embedded())
  const grid = await openGrid(gates)
  const map = grid.map<number>('m', { interest: { prefix: 'z' } })
  gates.hold.reads = true
  const controller = new AbortController()
  let asked = 0
  const ended = outcome(map.update('k', () => ++asked, { signal: controller.signal }))
  while (gates.held.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const reason = new Error('no longer wanted')
  controller.abort(reason)
  assert.equal([await ended, asked], [reason, 0])
  gates.hold.reads = false
  release(gates.held)
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(await map.get('k'), undefined, 'and writes nothing then')
  await grid.close()
})

test('an update that waits for another of its key is ended as well, and is not made', async () => {
  const gates = gated(embedded())
  const grid = await openGrid(gates)
  const map = grid.map<number>('m')
  gates.hold.commits = true
  const first = map.update('k', () => 1)
  const controller = new AbortController()
  let asked = 0
  const ended = outcome(map.update('k', () => ++asked, { signal: controller.signal }))
  const reason = new Error('no longer wanted')
  controller.abort(reason)
  assert.is(await ended, reason)
  gates.hold.commits = false
  release(gates.held)
  await first
  assert.is((await map.update('k', (value = 0) => value + 10))?.value, 11, 'those after it have their turn')
  assert.is(asked, 0)
  await grid.close()
})

test('one signal may end any number of calls: Node is not told of a leak', async () => {
  const gates = gated(embedded())
  const grid = await openGrid(gates)
  const map = grid.map<number>('m')
  gates.hold.commits = true
  const { controller, listeners } = counted()
  const warnings: string[] = []
  const warn = ({ name }: Error): void => void warnings.push(name)
  process.on('warning', warn)
  const calls = Array.from({ length: 20 }, () => map.put('k', 1, { signal: controller.signal }))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal([warnings, listeners()], [[], 20])
  process.off('warning', warn)
  release(gates.held)
  await Promise.all(calls)
  assert.is(listeners(), 0)
  await grid.close()
})

test('a message under way is given up as well', async () => {
  const inner = embedded()
  const sent: (() => void)[] = []
  const slow: GridBackend = {
    name: 'slow',
    async open(context) {
      const driver = await inner.open(context)
      return {
        ...driver,
        openTopic(name, receive) {
          const topic = driver.openTopic?.(name, receive) as TopicDriver
          return {
            close: () => topic.close(),
            async publish(message) {
              await new Promise<void>((resolve) => sent.push(resolve))
              await topic.publish(message)
            },
          }
        },
      }
    },
  }
  const grid = await openGrid(slow)
  const topic = grid.topic<number>('t')
  const { controller, listeners } = counted()
  const ended = outcome(topic.publish(1, { signal: controller.signal }))
  const reason = new Error('no longer wanted')
  controller.abort(reason)
  assert.is(await ended, reason)
  assert.is(await outcome(topic.publish(2, { signal: controller.signal })), reason)
  assert.is(sent.length, 1, 'nothing is sent with a signal that is aborted before')
  const made = topic.publish(3, { signal: new AbortController().signal })
  for (const send of sent) send()
  await made
  assert.is(listeners(), 0)
  await grid.close()
})

test.run()
