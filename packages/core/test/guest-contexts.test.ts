import type { TraceContext } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createGuests } from '../src/guests.ts'
import type { CoreHooks } from '../src/index.ts'
import { add, counter, openBench, traceOf } from './support.ts'

const test = suite('contexts of several guests')

/** Hooks that return a context of their own each time, and write down what they get back. */
function tracing(first: number): CoreHooks & { readonly back: boolean[] } {
  const given: TraceContext[] = []
  const back: boolean[] = []
  return {
    back,
    onTransitionStart() {
      const context = traceOf(first + given.length)
      given.push(context)
      return context
    },
    onTransitionEnd: ({ context }) => void back.push(context === given.at(-1)),
  }
}

test('each gets back what its own start returned; who returned nothing, what the actions ran under', async () => {
  const [a, b] = [tracing(100), tracing(200)]
  const ran: (TraceContext | undefined)[] = []
  const told: (TraceContext | undefined)[] = []
  const bench = await openBench({ hooks: a })
  bench.system.use({ onTransitionEnd: ({ context }) => void told.push(context) })
  bench.system.use(b)
  const agent = await bench.system.spawn(counter, { id: 'one' })
  agent.subscribe(() => ran.push(bench.grid.trace.current))
  for (let i = 0; i < 3; i++) agent.send(add(1))
  await bench.settle()
  await bench.close()
  assert.ok(a.back.length >= 3 && a.back.every(Boolean), String(a.back))
  assert.ok(b.back.length >= 3 && b.back.every(Boolean), String(b.back))
  assert.equal(
    told.slice(-3).map((context) => context?.traceId),
    [traceOf(200), traceOf(201), traceOf(202)].map(({ traceId }) => traceId),
  )
})

test('hooks that are used twice are told once, until they are removed as often', () => {
  let spawned = 0
  const hooks: CoreHooks = { onSpawn: () => void spawned++ }
  const guests = createGuests()
  const spawn = (): void => guests.tell('onSpawn', { id: 'a', type: 'a', stage: undefined })
  const ends = [guests.use(hooks), guests.use(hooks)]
  spawn()
  assert.is(spawned, 1)
  ends[0]?.()
  ends[0]?.()
  spawn()
  assert.is(spawned, 2)
  ends[1]?.()
  spawn()
  assert.is(spawned, 2)
})

test.run()
