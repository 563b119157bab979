import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isCoreError, type Full } from '../src/index.ts'
import { Mailbox, resolveMailboxOptions } from '../src/mailbox/mailbox.ts'
import { counter, openBench } from './support.ts'

const test = suite('mailbox')

function filled(overflow: Full): Mailbox<number> {
  const mailbox = new Mailbox<number>({ capacity: 3, overflow })
  for (const item of [1, 2, 3]) assert.is(mailbox.offer(item), undefined)
  return mailbox
}

function drained(mailbox: Mailbox<number>): number[] {
  const items: number[] = []
  for (let item = mailbox.take(); item !== undefined; item = mailbox.take()) items.push(item)
  return items
}

test('reject: the arriving item is refused', () => {
  const mailbox = filled('reject')
  assert.is(mailbox.offer(4), 4)
  assert.equal(drained(mailbox), [1, 2, 3])
})

test('drop-oldest: the oldest of those that wait goes', () => {
  const mailbox = filled('drop-oldest')
  assert.is(mailbox.offer(4), 1)
  assert.is(mailbox.offer(5), 2)
  assert.equal(drained(mailbox), [3, 4, 5])
})

test('drop-newest: the newest of those that wait goes', () => {
  const mailbox = filled('drop-newest')
  assert.is(mailbox.offer(4), 3)
  assert.equal(drained(mailbox), [1, 2, 4])
})

test('keeps the order while it grows and wraps', () => {
  const mailbox = new Mailbox<number>({ capacity: 100, overflow: 'reject' })
  const taken: number[] = []
  let next = 0
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 7; i++) assert.is(mailbox.offer(next++), undefined)
    for (let i = 0; i < 4; i++) taken.push(mailbox.take() ?? -1)
  }
  assert.is(mailbox.size, 90)
  assert.equal(
    [...taken, ...drained(mailbox)],
    Array.from({ length: 210 }, (_, i) => i),
  )
})

test('a bad capacity or policy is quoted', () => {
  const refused = (options: object, pattern: RegExp): void =>
    assert.throws(
      () => resolveMailboxOptions(options),
      (error: Error) => isCoreError(error, 'BAD_OPTION') && pattern.test(error.message),
    )
  refused({ capacity: 0 }, /mailbox\.capacity is 0: give a whole number of at least 1/)
  refused({ capacity: 1.5 }, /1\.5/)
  refused({ overflow: 'newest' }, /mailbox\.overflow is "newest": give one of 'reject', 'drop-oldest', 'drop-newest', coalesce\(key\)/)
})

const cases: readonly [Full, boolean, number, number[]][] = [
  ['reject', false, 1 + 2, [4]],
  ['drop-oldest', true, 2 + 4, [1]],
  ['drop-newest', true, 1 + 4, [2]],
]

for (const [overflow, accepted, sum, lost] of cases) {
  test(`${overflow}: what does not reach the agent is a dead letter, and send says what became of its event`, async () => {
    const bench = await openBench({ mailbox: { capacity: 2, overflow } })
    const agent = await bench.system.spawn(counter, { id: 'c' })
    assert.is(agent.send({ type: 'add', by: 1 }), true)
    assert.is(agent.send({ type: 'add', by: 2 }), true)
    assert.is(agent.send({ type: 'add', by: 4 }), accepted)
    await bench.settle()
    assert.is(agent.snapshot.context.sum, sum)
    const letters = bench.system.deadLetters.recent
    assert.equal(
      letters.map(({ agentId, reason, event }) => [agentId, reason, (event as unknown as { by: number }).by]),
      lost.map((by) => ['c', 'mailbox-full', by]),
    )
    await bench.close()
  })
}

test('a mailbox of its own overrides that of the system', async () => {
  const bench = await openBench({ mailbox: { capacity: 1 } })
  const agent = await bench.system.spawn(counter, { mailbox: { capacity: 3 } })
  assert.equal(
    [1, 2, 3, 4].map((by) => agent.send({ type: 'add', by })),
    [true, true, true, false],
  )
  await bench.close()
})

test.run()
