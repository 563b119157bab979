import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { createRecordCodec } from '../src/durability/record-codec.ts'
import { command, memoryStore, send } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('down the ladder')

type Told = { type: 'x'; n: unknown } | { type: 'boom' } | { type: 'agent.restored'; from: string }

/** Breaks on the news that it was restored while `broken` says so. */
const receiver = (broken: () => boolean) =>
  createMachine({
    types: {} as { context: { got: readonly unknown[] }; events: Told },
    id: 'b',
    context: { got: [] },
    on: {
      x: { actions: [assign({ got: ({ context, event }) => [...context.got, event.n] }), command('arm', ({ event }) => String(event.n))] },
      boom: {
        actions: assign(() => {
          throw new Error('boom')
        }),
      },
      'agent.restored': {
        actions: assign(({ event }) => {
          if (event.from === 'checkpoint' && broken()) throw new Error('not now')
          return {}
        }),
      },
    },
  })

const sender = createMachine({
  id: 'a',
  on: { go: { actions: send('b', ({ event }) => ({ type: 'x', n: (event as { n?: number }).n })) } },
})

test('an agent that begins anew remembers what it was sent, and goes on with the names of its effects', async () => {
  const store = memoryStore()
  const codec = createRecordCodec()
  const origins: unknown[] = []
  const bench = await openBench({ store, actuators: { arm: (_n, { origin }) => void origins.push(origin?.seq) } })
  let broken = true
  const b = await bench.system.spawn(
    receiver(() => broken),
    { id: 'b', durability: 'gated' },
  )
  const a = await bench.system.spawn(sender, { id: 'a', durability: 'gated' })
  a.send({ type: 'go', n: 1 } as never)
  b.send({ type: 'x', n: 2 }, { id: 'two' })
  await bench.clock.advance(100)
  const before = codec.read((await store.get('b'))?.value as Uint8Array, 'b')
  assert.equal([before.seen?.length, before.ids], [1, ['two']])

  b.send({ type: 'boom' })
  await bench.clock.advance(1000)
  broken = false
  assert.equal([b.restarts, b.snapshot.context.got], [2, []])
  b.send({ type: 'x', n: 2 }, { id: 'two' })
  b.send({ type: 'x', n: 3 }, { id: 'three' })
  await bench.clock.advance(100)
  assert.equal([b.snapshot.context.got, b.mailbox.repeated, origins], [[3], 1, [1, 2, 3]])
  const after = codec.read((await store.get('b'))?.value as Uint8Array, 'b')
  assert.equal([after.seen, after.ids], [before.seen, ['two', 'three']])
  await bench.close()
})

for (const durability of ['gated', 'checkpoint'] as const) {
  test(`${durability}: ids that were handled by a state which was never stored are not remembered: their events may be sent again`, async () => {
    const bench = await openBench({ store: memoryStore(), actuators: { arm: () => undefined } })
    const agent = await bench.system.spawn(
      receiver(() => false),
      { id: 'b', durability },
    )
    agent.send({ type: 'x', n: 0 }, { id: 'e0' })
    await bench.clock.advance(100)
    for (const n of [1, Symbol('never stored'), 3]) agent.send({ type: 'x', n }, { id: `e${String(n)}` })
    await bench.clock.advance(100)
    agent.send({ type: 'boom' })
    await bench.clock.advance(1000)
    assert.equal(agent.snapshot.context.got, [0])
    const { repeated } = agent.mailbox
    for (const n of [0, 1, 3]) agent.send({ type: 'x', n }, { id: `e${n}` })
    await bench.clock.advance(100)
    assert.equal([agent.snapshot.context.got, agent.mailbox.repeated - repeated], [[0, 1, 3], 1])
    await bench.close()
  })
}

test.run()
