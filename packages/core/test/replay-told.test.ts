import { fromPromise, setup } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSystem, memoryStore } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('replay of what only tells')

test('the letter of an interrupted promise, and of an effect that threw, stays; nothing is sent to anybody', async () => {
  const store = memoryStore()
  const heard: string[] = []
  const machine = setup({ actors: { pay: fromPromise(() => new Promise(() => {})) } }).createMachine({
    id: 'm',
    initial: 'pays',
    states: { pays: { invoke: { src: 'pay', id: 'pay' } } },
    on: {
      'agent.effect': { actions: () => heard.push('agent.effect') },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
  const bench = await openBench({ store })
  await bench.system.spawn(machine, { id: 'a', durability: 'gated' })
  await bench.clock.advance(10)
  await bench.system.close()
  const system = createSystem({ grid: bench.grid, clock: bench.clock, store, random: () => 0 })
  const agent = await system.spawn(machine, { id: 'a', durability: 'gated' })
  agent.send({ type: 'boom' })
  await bench.clock.advance(1000)
  const letters = (): unknown => system.deadLetters.list().map(({ seq, event, reason }) => [seq, event.type, reason])
  const before = letters()
  assert.equal(before, [
    [1, 'xstate.error.actor.pay', 'interrupted'],
    [2, 'agent.effect', 'crashed'],
  ])
  assert.is(system.deadLetters.replay(), 0)
  await bench.clock.advance(1000)
  assert.equal([letters(), heard], [before, []])
  assert.is(system.deadLetters.purge(), 2)
  await system.close()
  await bench.close()
})

test.run()
