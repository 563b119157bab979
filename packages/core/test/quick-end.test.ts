import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromPromise, setup } from 'xstate'
import { child, command, memoryStore } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('quick ends')

for (const durability of ['none', 'checkpoint', 'gated'] as const) {
  test(`${durability}: an agent that is at its end as soon as it begins has begun, and has ended`, async () => {
    const heard: string[] = []
    const paid: unknown[] = []
    const hooks = {
      onSpawn: ({ id }: { readonly id: string }) => void heard.push(`${id} begins`),
      onStop: ({ id }: { readonly id: string }, reason: string) => void heard.push(`${id} ${reason}`),
    }
    const bench = await openBench({ store: memoryStore(), hooks, actuators: { bank: (what) => void paid.push(what) } })
    const pay = fromPromise(async () => {
      paid.push('paying')
      return 1
    })
    const payer = setup({ actors: { pay } }).createMachine({
      initial: 'paying',
      states: {
        paying: { invoke: { src: 'pay', onDone: { target: 'paid', actions: command('bank', 'receipt') } } },
        paid: { type: 'final' },
      },
    })
    const agent = await bench.system.spawn(payer, { id: 'a', durability })
    await bench.settle()
    assert.is(agent.status, 'done')
    assert.equal(heard, ['a begins', 'a done'])
    assert.equal(paid, ['paying', 'receipt'])
    const cell = await bench.system.supervise({ id: 'cell', children: [child(payer, { id: 'b', durability })] })
    await bench.settle()
    assert.is(cell.status, 'running')
    assert.equal(heard.slice(2), ['b begins', 'b done'])
    await bench.close()
  })
}

test.run()
