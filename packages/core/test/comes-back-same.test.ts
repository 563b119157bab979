import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { openBench } from './support.ts'

const test = suite('what comes back the same')

const sparse: unknown[] = []
sparse[1] = 1

test('an agent stays awake with a state that would not come back just as it is', async () => {
  class Own extends Map<string, number> {}
  const same: readonly unknown[] = [
    1.5,
    'ü€😀',
    2n ** 70n,
    [undefined, null],
    new Date(5),
    /a/u,
    new Map([[{ a: 1 }, 2]]),
    new Set([1]),
    new TypeError('t'),
    new Error('a', { cause: 5 }),
    new Uint8Array([1]),
    { a: { b: [1] } },
  ]
  const others: readonly unknown[] = [
    -0,
    '\ud800',
    Object.assign(new Error('e'), { code: 'ENOENT' }),
    new AggregateError([], 'm'),
    new Own(),
    Buffer.from('hi'),
    Object.assign([1], { extra: 1 }),
    sparse,
    { [Symbol('s')]: 1 },
    JSON.parse('{"__proto__":1}'),
    Object.create(null),
    () => 1,
  ]
  const bench = await openBench()
  for (const [expected, values] of [
    [true, same],
    [false, others],
  ] as const) {
    for (const value of values) {
      const agent = await bench.system.spawn(createMachine({ context: { value } }), { durability: 'checkpoint' })
      assert.is(await agent.evict(), expected, String(Object.prototype.toString.call(value)))
      assert.equal((agent.snapshot.context as { value: unknown }).value, value)
    }
  }
  await bench.close()
})

test.run()
