import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine } from 'xstate'
import { coalesce, isCoreError } from '../src/index.ts'
import { Dedup } from '../src/mailbox/dedup.ts'
import { EventQueue } from '../src/mailbox/event-queue.ts'
import { resolveMailboxOptions, type MailboxOptions } from '../src/mailbox/mailbox.ts'
import { below, forSeeds } from './seeds.ts'
import { add, counter, openBench, recorder } from './support.ts'

const test = suite('messages')

type Note = { type: 'note'; key?: string; n: number } | { type: 'open' } | { type: 'shut' } | { type: 'boom'; n: number }

/** Writes down the notes it takes, and crashes on `boom` unless `luck` says otherwise. */
const clerk = (luck: () => boolean = () => false) =>
  createMachine({
    id: 'clerk',
    types: {} as { context: { notes: readonly number[] }; events: Note },
    context: { notes: [] },
    initial: 'shut',
    on: {
      note: { actions: assign({ notes: ({ context, event }) => [...context.notes, event.n] }) },
      boom: {
        actions: [
          () => {
            if (!luck()) throw new Error('boom')
          },
          assign({ notes: ({ context, event }) => [...context.notes, event.n] }),
        ],
      },
    },
    states: { shut: { on: { open: 'open' } }, open: { on: { shut: 'shut' } } },
  })

const note = (n: number, key?: string): Note => ({ type: 'note', n, ...(key !== undefined && { key }) })

test('coalesce: the newest of a key takes the place of the one that waits, full or not; the rest keeps its order', async () => {
  const bench = await openBench()
  const key = (event: Note): string | undefined => (event.type === 'note' ? event.key : undefined)
  const agent = await bench.system.spawn(clerk(), { mailbox: { capacity: 3, overflow: coalesce(key) } })
  assert.equal(
    [note(1, 'a'), note(2), note(3, 'b'), note(4, 'a'), note(5, 'b'), note(6, 'c'), note(7)].map((event) => agent.send(event)),
    [true, true, true, true, true, false, false],
  )
  assert.equal(agent.mailbox, { waiting: 3, coalesced: 2, system: 0, stashed: 0, repeated: 0 })
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [4, 2, 5])
  assert.is(agent.send(note(8, 'a')), true)
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [4, 2, 5, 8], 'what was taken is not replaced')
  assert.equal(
    bench.system.deadLetters.recent.map(({ reason, event }) => [reason, (event as unknown as { n: number }).n]),
    [
      ['mailbox-full', 6],
      ['mailbox-full', 7],
    ],
  )
  await bench.close()
})

test('the id of an event that was replaced is forgotten: it may be sent again, and takes no memory', async () => {
  const bench = await openBench()
  const key = (event: Note): string | undefined => (event.type === 'note' ? event.key : undefined)
  const agent = await bench.system.spawn(clerk(), { mailbox: { overflow: coalesce(key), dedup: 2 } })
  for (const n of [1, 2, 3]) agent.send(note(n, 'a'), { id: `frame-${n}` })
  assert.is(agent.send(note(3, 'a'), { id: 'frame-3' }), true, 'it waits')
  await bench.settle()
  agent.send(note(1, 'a'), { id: 'frame-1' })
  agent.send(note(3, 'a'), { id: 'frame-3' })
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [3, 1])
  assert.is(agent.mailbox.repeated, 2)
  await bench.close()
})

test('a key function that throws is counted, and its event waits for itself', async () => {
  const bench = await openBench()
  const thrower = (): string => {
    throw new Error('no key')
  }
  const agent = await bench.system.spawn(clerk(), { mailbox: { overflow: coalesce(thrower) } })
  agent.send(note(1))
  agent.send(note(2))
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [1, 2])
  assert.is(bench.system.guestErrors, 2)
  assert.throws(
    () => resolveMailboxOptions({ overflow: coalesce('key' as never) }),
    (error: Error) => isCoreError(error, 'BAD_OPTION') && /coalesce is "key": give a function/.test(error.message),
  )
  await bench.close()
})

test('a queue of any policy does what a list would do (seeded)', async () => {
  await forSeeds(300, (random) => {
    const full = (['reject', 'drop-oldest', 'drop-newest'] as const)[below(random, 3)] ?? 'reject'
    const keyed = random() < 0.5
    const capacity = 1 + below(random, 6)
    const overflow = keyed ? coalesce<{ type: string; key?: string }>((event) => event.key, full) : full
    const told = { failed: () => assert.unreachable(), replaced: () => undefined }
    const queue = new EventQueue(resolveMailboxOptions({ capacity, overflow } as MailboxOptions), told)
    let model: { n: number; key: string | undefined }[] = []
    const envelope = (n: number, key: string | undefined) => {
      const event = { type: 'e', n, key } as { type: string }
      return { event, trace: undefined, enqueuedAtMs: undefined, sender: undefined, id: undefined }
    }
    const numberOf = (given: { event: object } | undefined): number | undefined => (given?.event as { n?: number } | undefined)?.n
    for (let n = 0; n < 60; n++) {
      if (random() < 0.4) {
        assert.is(numberOf(queue.take()), model.shift()?.n)
      } else {
        const key = random() < 0.7 ? 'abc'[below(random, 3)] : undefined
        const place = keyed && key !== undefined ? model.findIndex((item) => item.key === key) : -1
        let gone: number | undefined
        if (place >= 0) model = model.with(place, { n, key })
        else if (model.length < capacity) model.push({ n, key })
        else if (full === 'reject') gone = n
        else {
          gone = full === 'drop-oldest' ? model.shift()?.n : model.pop()?.n
          model.push({ n, key })
        }
        assert.is(numberOf(queue.offer(envelope(n, key))), gone)
      }
      assert.is(queue.size, model.length)
    }
  })
})

test('an event sent again under its id is handled once; one that was lost may come again', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(clerk(), { id: 'c', mailbox: { capacity: 2, dedup: 2 } })
  assert.equal(
    [
      agent.send(note(1), { id: 'x' }),
      agent.send(note(2), { id: 'x' }),
      agent.send(note(3), { id: 'y' }),
      agent.send(note(4), { id: 'z' }),
    ],
    [true, true, true, false],
  )
  await bench.settle()
  assert.is(bench.system.send('c', note(5), { id: 'y' }), true)
  assert.is(agent.send(note(6), { id: 'z' }), true)
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [1, 3, 6])
  assert.is(agent.mailbox.repeated, 2)
  // Two are remembered, `y` and `z`: `x` is as new.
  agent.send(note(7), { id: 'x' })
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [1, 3, 6, 7])
  await bench.close()
})

test('the window of ids is that of a list with a bound (seeded); it can be carried over', async () => {
  await forSeeds(200, (random) => {
    const capacity = below(random, 4)
    let dedup = new Dedup(capacity)
    let waiting: string[] = []
    let handled: string[] = []
    for (let i = 0; i < 80; i++) {
      const id = String(below(random, 8))
      const dice = random()
      if (dice < 0.5) {
        const fresh = capacity === 0 || !(waiting.includes(id) || handled.includes(id))
        assert.is(dedup.accept(id), fresh)
        if (fresh && capacity > 0) waiting.push(id)
      } else if (dice < 0.8) {
        const first = waiting.shift()
        if (first === undefined) continue
        dedup.taken(first)
        handled = [...handled, first].slice(-capacity)
      } else if (dice < 0.95) {
        dedup.lost(id)
        waiting = waiting.filter((other) => other !== id)
        handled = handled.filter((other) => other !== id)
      } else {
        dedup = new Dedup(capacity, dedup.handled)
        waiting = []
      }
      assert.equal(dedup.handled, handled)
    }
  })
})

test('stash: set aside while the state says so, then back in order, before newer ones; also when its own timer changes the state', async () => {
  const machine = createMachine({
    types: {} as { context: { notes: readonly number[] }; events: Note },
    context: { notes: [] },
    initial: 'shut',
    states: {
      shut: { after: { 100: 'open' } },
      open: { on: { note: { actions: assign({ notes: ({ context, event }) => [...context.notes, event.n] }) }, shut: 'shut' } },
    },
  })
  const bench = await openBench()
  const agent = await bench.system.spawn(machine, {
    mailbox: { stash: 3 },
    stash: (event, state) => event.type === 'note' && state.matches('shut'),
  })
  for (const n of [1, 2, 3, 4]) agent.send(note(n))
  await bench.settle()
  assert.equal([agent.mailbox.stashed, agent.snapshot.context.notes], [3, []])
  assert.equal(
    bench.system.deadLetters.recent.map(({ reason, event }) => [reason, (event as unknown as { n: number }).n]),
    [['stash-full', 4]],
  )
  agent.send({ type: 'boom', n: 0 })
  await bench.clock.advance(99)
  assert.is(agent.mailbox.stashed, 3)
  await bench.clock.advance(1)
  assert.equal([agent.mailbox.stashed, agent.snapshot.context.notes], [0, [1, 2, 3]])
  agent.send({ type: 'shut' })
  agent.send(note(5))
  await bench.settle()
  await agent.stop()
  assert.is(bench.system.deadLetters.list({ reason: 'stopped' }).length, 1, 'what is aside at the end is a dead letter')
  await bench.close()
})

test('a stash predicate that throws keeps nothing for ever', async () => {
  const bench = await openBench()
  const agent = await bench.system.spawn(counter, {
    stash: () => {
      throw new Error('no')
    },
  })
  agent.send(add(1))
  await bench.settle()
  assert.equal([agent.snapshot.context.sum, bench.system.guestErrors], [1, 1])
  await bench.close()
})

test('poison: given again after each restart, before what waits, as often as allowed; then kept apart, and its id refused', async () => {
  const hooks = recorder()
  const bench = await openBench({ hooks })
  const agent = await bench.system.spawn(clerk(), { id: 'c', durability: 'checkpoint', mailbox: { attempts: 3 } })
  agent.send({ type: 'boom', n: 1 }, { id: 'bad' })
  agent.send(note(2))
  await bench.clock.advance(1000)
  assert.equal(agent.snapshot.context.notes, [2])
  assert.is(hooks.log.filter((line) => line.includes('failed')).length, 3)
  const { deadLetters } = bench.system
  assert.equal(
    deadLetters.quarantined.map(({ agentId, reason, id }) => [agentId, reason, id]),
    [['c', 'crashed', 'bad']],
  )
  assert.is(agent.send(note(3), { id: 'bad' }), false)
  assert.is(deadLetters.recent.at(-1)?.reason, 'quarantined')
  assert.is(deadLetters.purge({ reason: 'crashed' }), 1)
  assert.is(agent.send(note(4), { id: 'bad' }), true)
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [2, 4])
  await bench.close()
})

test('an event that crashed the agent once and then does not is handled once; who asked is answered', async () => {
  let tries = 0
  const bench = await openBench()
  const agent = await bench.system.spawn(
    clerk(() => ++tries > 1),
    { mailbox: { attempts: 2 } },
  )
  agent.send({ type: 'boom', n: 1 })
  await bench.clock.advance(100)
  assert.equal([agent.snapshot.context.notes, bench.system.deadLetters.count], [[1], 0])
  await bench.close()
})

test('dead letters can be looked at, sent again and forgotten; floods do not drive out the poison', async () => {
  let well = false
  const bench = await openBench({ deadLetters: 2 })
  const agent = await bench.system.spawn(
    clerk(() => well),
    { id: 'c' },
  )
  agent.send({ type: 'boom', n: 1 }, { id: 'bad' })
  await bench.clock.advance(10)
  for (const n of [1, 2, 3]) bench.system.send('nobody', note(n))
  const { deadLetters } = bench.system
  assert.equal([deadLetters.count, deadLetters.dropped], [4, 1])
  assert.equal(
    deadLetters.recent.map(({ seq, reason }) => [seq, reason]),
    [
      [1, 'crashed'],
      [3, 'unknown-agent'],
      [4, 'unknown-agent'],
    ],
  )
  assert.is(deadLetters.list({ agentId: 'nobody', type: 'note' }).length, 2)
  assert.is(deadLetters.replay({ agentId: 'nobody' }), 0, 'there is still nobody')
  assert.is(deadLetters.replay({ agentId: 'nobody' }, { to: 'c' }), 2)
  well = true
  assert.is(deadLetters.replay({ reason: 'crashed' }), 1)
  await bench.settle()
  assert.equal(agent.snapshot.context.notes, [2, 3, 1])
  assert.equal(deadLetters.recent, [])
  assert.throws(
    () => deadLetters.purge({ agent: 'c' } as never),
    (error: Error) => isCoreError(error, 'BAD_OPTION') && /"agent"/.test(error.message),
  )
  await bench.close()
})

test.run()
