import { isGridError } from '@stigmergy/grid'
import {
  checkLinearizable,
  describeVerdict,
  IMPOSSIBLE,
  Recorder,
  registerModel,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
  type SequentialModel,
} from '@stigmergy/grid/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRandom } from '../random.ts'
import { bruteForce } from './brute-force.ts'

type Op = Operation<RegisterInput<number>, RegisterOutput<number>>
type Line = readonly [process: string, at: readonly [number, number?], input: RegisterInput<number>, output?: RegisterOutput<number>]

const test = suite('linearizability checker')
const model = registerModel<number>()
const READ = { do: 'read' } as const
const write = (value: number) => ({ do: 'write', value }) as const
const cas = (expected: number | undefined, value: number) => ({ do: 'compare-and-set', expected, value }) as const

/** No second time: the outcome is unknown. */
function history(lines: readonly Line[], key = 'k'): readonly Op[] {
  return lines.map(([process, [calledAt, returnedAt], input, output]) => ({ process, key, input, output, calledAt, returnedAt }))
}

const GOOD: Readonly<Record<string, readonly Line[]>> = {
  nothing: [],
  'an overlapping read sees the old value after another saw the new one, both in time': [
    ['a', [0, 10], write(1)],
    ['b', [1, 2], READ, undefined],
    ['b', [3, 4], READ, 1],
  ],
  'of two racing compare-and-sets one wins': [
    ['a', [0, 5], cas(undefined, 1), true],
    ['b', [1, 4], cas(undefined, 2), false],
    ['c', [6, 7], READ, 1],
  ],
  'a write of unknown outcome happens much later': [
    ['a', [0], write(1)],
    ['b', [5, 6], READ, undefined],
    ['b', [20, 21], READ, 1],
  ],
  'a compare-and-set of unknown outcome never happens': [
    ['a', [0], cas(undefined, 1)],
    ['b', [5, 6], cas(undefined, 2), true],
    ['b', [7, 8], READ, 2],
  ],
  'calls and returns at one moment overlap': [
    ['a', [0, 1], write(1)],
    ['b', [1, 2], READ, undefined],
  ],
  'what is removed is gone': [
    ['a', [0, 1], write(1)],
    ['a', [2, 3], { do: 'remove' }],
    ['b', [4, 5], READ, undefined],
    ['b', [6, 7], cas(undefined, 2), true],
  ],
}

const BAD: Readonly<Record<string, readonly Line[]>> = {
  'a read misses a write that had returned': [
    ['a', [0, 1], write(1)],
    ['b', [2, 3], READ, undefined],
  ],
  'two reads see two overlapping writes in turn, and back': [
    ['a', [0, 10], write(1)],
    ['b', [0, 10], write(2)],
    ['c', [11, 12], READ, 1],
    ['c', [13, 14], READ, 2],
  ],
  'a read steps back while the write is under way': [
    ['a', [0, 10], write(1)],
    ['b', [1, 2], READ, 1],
    ['c', [3, 4], READ, undefined],
  ],
  'a paused owner acknowledges the same compare-and-set again': [
    ['a', [0, 1], cas(undefined, 1), true],
    ['b', [2, 3], cas(1, 2), true],
    ['c', [4, 5], cas(1, 3), true],
  ],
  'a compare-and-set fails although nothing else was there': [
    ['a', [0, 1], write(1)],
    ['a', [2, 3], cas(1, 2), false],
  ],
  'an acknowledged write is lost': [
    ['a', [0, 1], write(1)],
    ['a', [2, 3], write(2)],
    ['b', [4, 5], READ, 1],
  ],
  'a value out of nowhere': [['a', [0, 1], READ, 7]],
  'a write of unknown outcome happens twice': [
    ['a', [0], write(1)],
    ['b', [2, 3], READ, 1],
    ['b', [4, 5], write(2)],
    ['b', [6, 7], READ, 1],
  ],
}

for (const [name, lines] of Object.entries(GOOD)) {
  test(`accepts: ${name}`, () => assert.equal(checkLinearizable(history(lines), model), { kind: 'linearizable' }))
}

for (const [name, lines] of Object.entries(BAD)) {
  test(`refuses: ${name}`, () => {
    const operations = history(lines)
    const verdict = checkLinearizable([...history(GOOD['what is removed is gone'] as never, 'other'), ...operations], model)
    assert.ok(verdict.kind === 'not-linearizable', verdict.kind)
    assert.is(verdict.key, 'k')
    assert.ok(operations.includes(verdict.unexplained))
    assert.not(bruteForce(operations, model))
    assert.match(describeVerdict(verdict), /key "k" is not linearizable[^]*Not explained:\n {2}\w .* called at/)
  })
}

/** A history as it comes about: operations in an order, each at a moment between its call and its return; then one answer is bent. */
function randomHistory(random: () => number): readonly Op[] {
  const operations: Op[] = []
  const count = 1 + Math.floor(random() * 6)
  let state: number | undefined
  for (let i = 0; i < count; i++) {
    const value = i + 1
    const guess = random() < 0.6 ? state : Math.floor(random() * count) || undefined
    const inputs: readonly RegisterInput<number>[] = [READ, READ, write(value), cas(guess, value), cas(guess, value), { do: 'remove' }]
    const input = inputs[Math.floor(random() * inputs.length)] as RegisterInput<number>
    const output = input.do === 'read' ? state : input.do === 'compare-and-set' ? input.expected === state : undefined
    const calledAt = i - Math.floor(random() * 3)
    const unknown = random() < 0.15
    operations.push({ process: 'p', key: 'k', input, output, calledAt, returnedAt: unknown ? undefined : i + Math.floor(random() * 3) })
    // Half of those nobody heard of again never happened.
    if (!unknown || random() < 0.5) state = model.step(state, input, undefined, false) as number | undefined
  }
  if (random() < 0.5) return operations
  const at = Math.floor(random() * count)
  const bent = operations[at] as Op
  const output = typeof bent.output === 'boolean' ? !bent.output : Math.floor(random() * count) || undefined
  return operations.with(at, { ...bent, output })
}

test('agrees with every order tried, on 20,000 small histories', () => {
  const seed = 20_251_125
  const random = createRandom(seed)
  const seen = { linearizable: 0, 'not-linearizable': 0, undecided: 0 }
  for (let round = 0; round < 20_000; round++) {
    const operations = randomHistory(random)
    const { kind } = checkLinearizable(operations, model)
    seen[kind] += 1
    const expected = bruteForce(operations, model) ? 'linearizable' : 'not-linearizable'
    assert.is(kind, expected, `seed ${seed}, round ${round}: ${JSON.stringify(operations)}`)
  }
  // Both kinds were there in numbers, so agreeing means something.
  assert.ok(seen.linearizable > 5000 && seen['not-linearizable'] > 2000, JSON.stringify(seen))
})

test('the search is bounded, and says where it gave up', () => {
  // Twenty writes that overlap, and two reads that no order of them explains.
  const lines = Array.from({ length: 20 }, (_, i): Line => [`w${i}`, [0, 100], write(i + 1)])
  const operations = history([...lines, ['r', [101, 102], READ, 1], ['r', [103, 104], READ, 2]])
  const verdict = checkLinearizable(operations, model, { maxConfigurations: 1000 })
  assert.equal(verdict, { kind: 'undecided', key: 'k', configurations: 1000 })
  assert.is(describeVerdict(verdict), 'key "k" is undecided after 1000 configurations')
  // A refuted key is said even if another is undecided.
  const refuted = checkLinearizable([...operations, ...history(BAD['a value out of nowhere'] as never, 'x')], model, {
    maxConfigurations: 10,
  })
  assert.is(refuted.kind, 'not-linearizable')
})

test('4,000 operations of one key in a long run are checked at once', () => {
  const random = createRandom(7)
  const operations: Op[] = []
  let state: number | undefined
  for (let i = 0; i < 4000; i++) {
    const input = random() < 0.5 ? READ : cas(random() < 0.8 ? state : 0, i + 1)
    const output = input.do === 'read' ? state : input.expected === state
    operations.push({ process: 'p', key: 'k', input, output, calledAt: i - 3 * random(), returnedAt: i + 3 * random() })
    if (output === true) state = i + 1
  }
  assert.is(checkLinearizable(operations, model).kind, 'linearizable')
  // The oldest read moved to the end is a step back.
  const first = operations.findIndex(({ input }) => input.do === 'read')
  const moved = operations.with(first, { ...(operations[first] as Op), calledAt: 5000, returnedAt: 5001 })
  assert.is(checkLinearizable(moved, model).kind, 'not-linearizable')
})

test('a model of its own: a counter that two may not both raise to the same', () => {
  const counter: SequentialModel<{ n: number }, 'add', number> = {
    initial: { n: 0 },
    step: ({ n }, _input, output, known) => (!known || output === n + 1 ? { n: n + 1 } : IMPOSSIBLE),
  }
  const add = (calledAt: number, returnedAt: number | undefined, output?: number): Operation<'add', number> => {
    return { process: 'p', key: 'k', input: 'add', output, calledAt, returnedAt }
  }
  assert.is(checkLinearizable([add(0, 5, 2), add(1, 4, 1), add(2, undefined), add(6, 7, 4)], counter).kind, 'linearizable')
  assert.is(checkLinearizable([add(0, 5, 1), add(1, 4, 1)], counter).kind, 'not-linearizable')
})

test('the recorder notes what returned, what is unknown, and not what was refused', async () => {
  let time = 0
  const recorder = new Recorder<string, number>({ now: () => ++time })
  assert.is(await recorder.run('a', 'k', 'get', async () => 1), 1)
  const failing = async (): Promise<number> => {
    throw new Error('busy')
  }
  assert.is(await recorder.run('b', 'k', 'put', failing), undefined)
  await recorder.run('b', 'k', 'put', failing, (error) => (error as Error).message === 'busy')
  assert.equal(recorder.operations, [
    { process: 'a', key: 'k', input: 'get', output: 1, calledAt: 1, returnedAt: 2 },
    { process: 'b', key: 'k', input: 'put', output: undefined, calledAt: 3, returnedAt: undefined },
  ])
  const own = new Recorder()
  await own.run('a', 'k', 0, async () => 0)
  const [operation] = own.operations
  assert.ok(operation?.returnedAt !== undefined && operation.returnedAt >= operation.calledAt && operation.calledAt > 0)
})

test('what is no history, or cannot judge one, is refused', () => {
  for (const [call, text] of [
    [() => checkLinearizable(5 as never, model), /^the operations is 5/],
    [() => checkLinearizable([], undefined as never), /^the model is undefined: give one such as registerModel\(\)/],
    [() => checkLinearizable([], model, { maxSteeps: 1 } as never), /^checkLinearizable has no option "maxSteeps"/],
    [() => checkLinearizable([], model, { maxConfigurations: NaN }), /^maxConfigurations is NaN/],
  ] as const) assert.throws(call, (error: unknown) => isGridError(error, 'BAD_OPTION') && text.test(error.message)) // prettier-ignore
})

test.run()
