import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { isCoreError, type EndedEvent } from '../src/index.ts'
import { counter, openBench } from './support.ts'

const test = suite('death watch')

const mourner = createMachine({
  id: 'mourner',
  types: {} as { context: { seen: readonly string[] }; events: EndedEvent | { type: 'hello' } | { type: 'boom' } },
  context: { seen: [] },
  on: {
    'agent.ended': { actions: assign({ seen: ({ context, event }) => [...context.seen, `${event.agentId} ${event.reason}`] }) },
    hello: { actions: assign({ seen: ({ context }) => [...context.seen, 'hello'] }) },
    boom: {
      actions: () => {
        throw new Error('boom')
      },
    },
  },
})

test('one event for each end, before what others sent, and one at once for nobody', async () => {
  const bench = await openBench({ supervision: { maxRestarts: 0 } })
  const { system } = bench
  const m = await system.spawn(mourner, { id: 'm' })
  const one = await system.spawn(counter, { id: 'one' })
  await system.spawn(counter, { id: 'two' })
  m.watch('one')
  m.watch('one')
  system.watch('m', 'two')
  m.watch('nobody')
  await bench.settle()
  m.send({ type: 'hello' })
  system.send('two', { type: 'boom' })
  await one.stop()
  await bench.settle()
  assert.is(m.snapshot.context.seen[0], 'nobody unknown')
  assert.equal([...m.snapshot.context.seen].sort(), ['hello', 'nobody unknown', 'one stopped', 'two failed'])
  await system.spawn(counter, { id: 'one' })
  await system.agent('one')?.stop()
  await bench.settle()
  assert.is(m.snapshot.context.seen.length, 4, 'a watch ends with its event')
  await bench.close()
})

test('events of the system come before those that waited longer', async () => {
  const bench = await openBench()
  const m = await bench.system.spawn(mourner, { id: 'm' })
  m.send({ type: 'hello' })
  m.send({ type: 'hello' })
  m.watch('nobody')
  await bench.settle()
  assert.equal(m.snapshot.context.seen, ['nobody unknown', 'hello', 'hello'])
  await bench.close()
})

test('a watcher that is being restarted is told afterwards, once', async () => {
  const bench = await openBench()
  const m = await bench.system.spawn(mourner, { id: 'm', durability: 'checkpoint' })
  const one = await bench.system.spawn(counter, { id: 'one' })
  m.watch('one')
  m.send({ type: 'boom' })
  await bench.settle()
  assert.is(m.status, 'restarting')
  await one.stop()
  await bench.clock.advance(100)
  assert.equal([m.status, m.snapshot.context.seen], ['running', ['one stopped']])
  await bench.close()
})

test('news of the end are no dead letters of those that end as well', async () => {
  const bench = await openBench()
  for (const id of ['a', 'b', 'c']) await bench.system.spawn(mourner, { id })
  for (const id of ['a', 'b', 'c']) for (const other of ['a', 'b', 'c']) bench.system.watch(id, other)
  await bench.system.close()
  assert.is(bench.system.deadLetters.count, 0)
  await bench.close()
})

test('a watch may be ended, ends with its watcher, and is no watch of the dead; their number is bounded', async () => {
  const bench = await openBench()
  const { system } = bench
  const m = await system.spawn(mourner, { id: 'm', mailbox: { system: 2 } })
  for (const id of ['a', 'b', 'c']) await system.spawn(counter, { id })
  const off = m.watch('a')
  m.watch('b')
  assert.throws(
    () => m.watch('c'),
    (error: Error) => isCoreError(error, 'TOO_MANY_WATCHES') && /watches 2 agents.*above 2/.test(error.message),
  )
  off()
  off()
  m.watch('c')
  await system.agent('a')?.stop()
  await bench.settle()
  assert.equal(m.snapshot.context.seen, [])
  await m.stop()
  await system.agent('b')?.stop()
  assert.is(system.deadLetters.count, 0)
  for (const watch of [() => m.watch('c'), () => system.watch('m', 'c')]) {
    assert.throws(watch, (error: Error) => isCoreError(error, 'AGENT_STOPPED'))
  }
  await bench.close()
})

test.run()
