import { assign, createMachine, fromCallback, sendTo, setup, type AnyStateMachine } from 'xstate'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryStore, type ActorSystem, type Durability } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('gated child')
const LEVELS: readonly Durability[] = ['none', 'checkpoint', 'gated']

const broken = (): never => {
  throw new Error('jammed')
}
let ticking = 0
const ticker = fromCallback(() => {
  ticking += 1
  return () => void (ticking -= 1)
})
const kids: Readonly<Record<string, unknown>> = {
  'an action of a machine': createMachine({ on: { go: { actions: broken } } }),
  'an action of a machine, on its way in': createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { entry: broken } } }),
  'a callback, told something': fromCallback(({ receive }) => receive(broken)),
}

const parentOf = (kid: unknown, onError: object): AnyStateMachine =>
  setup({ actors: { kid } as never }).createMachine({
    context: { heard: '' },
    initial: 'runs',
    states: {
      runs: { invoke: { src: 'kid', id: 'kid', ...onError }, on: { go: { actions: sendTo('kid', { type: 'go' }) } } },
      told: {},
    },
  } as never) as unknown as AnyStateMachine

const heard = { onError: { target: 'told', actions: assign({ heard: ({ event }) => String((event as { error?: unknown }).error) }) } }

async function say(machine: AnyStateMachine, durability: Durability): ReturnType<typeof openBench> {
  const bench = await openBench({ store: memoryStore() })
  const agent = await bench.system.spawn(machine, { id: 'a', durability })
  await bench.settle()
  agent.send({ type: 'go' })
  await bench.settle()
  return bench
}

const found = (system: ActorSystem): unknown[] => {
  const { snapshot, restarts } = system.agent('a') as NonNullable<ReturnType<ActorSystem['agent']>>
  return [snapshot.value, (snapshot.context as { heard: string }).heard, restarts]
}

for (const durability of LEVELS) {
  for (const [what, kid] of Object.entries(kids)) {
    test(`${durability}: ${what}, that throws reaches the onError of its parent, as in XState`, async () => {
      const bench = await say(parentOf(kid, heard), durability)
      assert.equal(found(bench.system), ['told', 'Error: jammed', 0])
      await bench.close()
    })
  }

  test(`${durability}: where nobody takes the error the agent fails, and the child begins again with it`, async () => {
    const bench = await say(parentOf(kids['an action of a machine'], {}), durability)
    await bench.clock.advance(1000)
    assert.equal(found(bench.system), ['runs', '', 1])
    await bench.close()
  })
}

test('what a child of a gated agent has invoked ends with it', async () => {
  const kid = createMachine({ invoke: { src: ticker }, on: { go: { actions: broken } } })
  const bench = await say(parentOf(kid, heard), 'gated')
  assert.equal(found(bench.system), ['told', 'Error: jammed', 0])
  await bench.settle()
  assert.is(ticking, 0)
  await bench.close()
})

test('a child that is over when what it held back throws: nobody would hear, so the agent fails', async () => {
  const kid = createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { type: 'final', entry: broken } } })
  const bench = await say(parentOf(kid, { ...heard, onDone: { actions: assign({ heard: 'done' }) } }), 'gated')
  await bench.clock.advance(1000)
  assert.equal(found(bench.system), ['runs', 'done', 1])
  await bench.close()
})

test.run()
