import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine, fromPromise } from 'xstate'
import { isCoreError, type ActorSystem, type ReplyTo } from '../src/index.ts'
import { cycleOf, type Question } from '../src/mailbox/question.ts'
import { openBench } from './support.ts'

const test = suite('ask without end')

type Ask = { type: 'ask'; way: readonly string[]; replyTo: ReplyTo<string> }

/** Asks the next one on the way and passes its answer back; the last one answers. */
function passer(system: ActorSystem, how: 'action' | 'promise' | 'later' | 'later, said') {
  const onwards = async (way: readonly string[], replyTo: ReplyTo<string>): Promise<void> => {
    if (how.startsWith('later')) await Promise.resolve()
    const [next, ...rest] = way
    if (next === undefined) {
      replyTo.send('end')
      return
    }
    const options = { timeoutMs: 100, ...(how === 'later, said' && { answering: replyTo }) }
    const asked = system.agent(next)?.ask<string>((to) => ({ type: 'ask', way: rest, replyTo: to }), options) as Promise<string>
    replyTo.send(await asked.catch((error: Error) => (isCoreError(error) ? `${error.code}: ${error.message}` : String(error))))
  }
  return createMachine({
    types: {} as { events: Ask },
    initial: 'a',
    states: {
      a: {
        on: {
          ask:
            how === 'promise'
              ? { target: 'b' }
              : {
                  actions: ({ event }) => void onwards(event.way, event.replyTo),
                },
        },
      },
      b: {
        invoke: {
          src: fromPromise<void, Ask>(({ input }) => onwards(input.way, input.replyTo)),
          input: ({ event }) => event as Ask,
          onDone: 'a',
        },
        on: { ask: { actions: ({ event }) => void onwards(event.way, event.replyTo) } },
      },
    },
  })
}

for (const how of ['action', 'promise', 'later, said'] as const) {
  test(`an agent that would wait for itself is told at once: ${how}`, async () => {
    const bench = await openBench()
    for (const id of ['a', 'b', 'c', 'd']) await bench.system.spawn(passer(bench.system, how), { id })
    const ask = (...way: string[]): Promise<string> =>
      bench.system.agent('a')?.ask<string>((replyTo) => ({ type: 'ask', way, replyTo }) as never) as Promise<string>
    assert.is(await ask('b', 'a'), 'ASK_CYCLE: "a" waits for "b" waits for "a": that has no end')
    assert.is(await ask('b', 'c', 'd', 'b'), 'ASK_CYCLE: "b" waits for "c" waits for "d" waits for "b": that has no end')
    assert.is(await ask('a'), 'ASK_CYCLE: "a" waits for "a": that has no end')
    assert.is(await ask('b', 'c', 'd'), 'end')
    assert.is(bench.clock.now(), 0, 'no deadline was waited for')
    assert.is(bench.clock.pending, 0)
    await bench.close()
  })
}

test('what is asked after an await without saying for whom ends at its deadline, as any', async () => {
  const bench = await openBench()
  for (const id of ['a', 'b']) await bench.system.spawn(passer(bench.system, 'later'), { id })
  const asked = bench.system.agent('a')?.ask<string>((replyTo) => ({ type: 'ask', way: ['b', 'a'], replyTo }) as never)
  await bench.clock.advance(100)
  assert.is(await asked, 'end')
  await bench.close()
})

test('a question that has its answer makes nobody wait', () => {
  const question = (asker: string | undefined, asked: string, because?: Question, open = true): Question => ({
    asker,
    asked,
    because,
    open,
  })
  assert.is(cycleOf('b', 'a', question('a', 'b', undefined, false)), undefined)
  assert.equal(cycleOf('c', 'a', question('b', 'c', question('a', 'b'))), ['a', 'b', 'c', 'a'])
  assert.is(cycleOf('c', 'd', question('b', 'c', question('a', 'b'))), undefined)
  assert.is(cycleOf(undefined, 'a', undefined), undefined)
})

test('an agent may answer first and ask then', async () => {
  const bench = await openBench()
  const { system } = bench
  const log: string[] = []
  const b = createMachine({
    types: {} as { events: Ask },
    on: {
      ask: {
        actions: ({ event }) => {
          event.replyTo.send('first')
          const asked = system.agent('a')?.ask<string>((replyTo) => ({ type: 'ask', way: [], replyTo }) as never) as Promise<string>
          asked.then(
            (answer) => log.push(answer),
            (error: Error) => log.push(error.message),
          )
        },
      },
    },
  })
  await system.spawn(passer(system, 'action'), { id: 'a' })
  await system.spawn(b, { id: 'b' })
  const ask = system.agent('a')?.ask<string>((replyTo) => ({ type: 'ask', way: ['b'], replyTo }) as never)
  assert.is(await ask, 'first')
  await bench.settle()
  assert.equal(log, ['end'])
  await bench.close()
})

test.run()
