import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { setup, type AnyStateMachine } from 'xstate'
import { command, createSystem, isCoreError, memoryStore, put, send, type ActorSystem, type CoreHooks } from '../src/index.ts'

const test = suite('effects that last')

class Own {
  readonly x = 1
}
class OwnMap extends Map<string, number> {}
class OwnError extends Error {
  override readonly name = 'OwnError'
  readonly code = 'OWN'
}

/** Gives the very value, so that nothing of the test's own copies it. */
function saying(value: unknown): AnyStateMachine {
  return setup({ types: { events: {} as { type: 'go' } } }).createMachine({
    id: 'm',
    on: { go: { actions: command('arm', () => value as object) } },
  })
}

/** What the arm is given: at first, and after a restart of the process, since it jams. */
async function givenTwice(value: unknown): Promise<{ readonly given: readonly unknown[]; readonly errors: readonly unknown[] }> {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const store = memoryStore()
  const given: unknown[] = []
  const errors: unknown[] = []
  const jam = (payload: unknown): void => {
    given.push(payload)
    throw new Error('jammed')
  }
  const hooks: CoreHooks = { onFailure: ({ error }) => void errors.push(error) }
  const start = (): ActorSystem => createSystem({ grid, store, actuators: { arm: jam }, hooks })
  const first = start()
  const agent = await first.spawn(saying(value), { id: 'a', durability: 'gated' })
  agent.send({ type: 'go' })
  await clock.advance(1)
  await first.close()
  const tries = given.length
  const second = start()
  await second.spawn(saying(value), { id: 'a', durability: 'gated' })
  await clock.advance(1)
  await second.close()
  await grid.close()
  return { given: given.length === 0 ? [] : [given[0], given[tries]], errors }
}

const sparse: unknown[] = [1]
sparse[2] = 3

test('what is done again after a crash is what was done at first', async () => {
  const same: readonly unknown[] = [
    1,
    'ü',
    2n ** 70n,
    { a: [undefined] },
    new Date(5),
    /a/u,
    new Map([[{ a: 1 }, new Set([2])]]),
    new Int8Array([1]),
  ]
  for (const value of same) {
    const { given } = await givenTwice(value)
    assert.is(given[0], value, 'not even copied')
    assert.equal(given[1], value)
  }
  const alike: readonly (readonly [value: unknown, as: unknown])[] = [
    [-0, 0],
    [{ at: [-0] }, { at: [0] }],
    ['x\ud800', 'x\ufffd\ufffd\ufffd'],
    [Buffer.from('hi'), new Uint8Array([104, 105])],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [sparse, [1, undefined, 3]],
  ]
  for (const [value, as] of alike) {
    const { given, errors } = await givenTwice(value)
    assert.equal(given.length, 2, String(errors[0]))
    for (const each of given) {
      assert.equal(each, as)
      assert.not.ok(Object.is(each, -0))
    }
  }
})

test('an error keeps what it says, its code and its data, and loses its class at once', async () => {
  const { given } = await givenTwice({ error: Object.assign(new OwnError('broken'), { socket: () => 1 }) })
  assert.is(given.length, 2)
  for (const each of given) {
    const { error } = each as { readonly error: OwnError }
    assert.is(Object.getPrototypeOf(error), Error.prototype)
    assert.equal([error.name, error.message, error.code, 'socket' in error], ['OwnError', 'broken', 'OWN', false])
  }
})

test('what would not come back is refused where it is said, and named', async () => {
  const refused: readonly (readonly [value: unknown, place: string])[] = [
    [{ f: () => 1 }, 'payload.f is a function (f)'],
    [{ list: [1, { url: new URL('http://host') }] }, 'payload.list[1].url is an object of a class (URL)'],
    [new Own(), 'payload is an object of a class (Own)'],
    [new Map([['k', Promise.resolve()]]), 'payload.get("k") is an object of a class (Promise)'],
    [new Map([[Symbol('s'), 1]]), 'a key of payload is Symbol(s)'],
    [new Set([new WeakMap()]), 'an item of payload is an object of a class (WeakMap)'],
    [new OwnMap(), 'payload is an object of a class (OwnMap)'],
    [JSON.parse('{"__proto__":1}'), 'payload is an object with something named __proto__'],
    [{ [Symbol('s')]: 1 }, 'payload is an object with a symbol for a name'],
    [/(b)/.exec('abc'), 'payload is an array with names beside its items'],
    [Object.assign(new Date(0), { zone: 'utc' }), 'payload is an object of a class (Date)'],
  ]
  for (const [value, place] of refused) {
    const { given, errors } = await givenTwice(value)
    assert.equal(given, [], place)
    assert.ok(isCoreError(errors[0], 'BAD_STATE'), String(errors[0]))
    assert.ok(String(errors[0]).includes(`a command of agent "a" cannot be stored: ${place}: say it as plain data`), String(errors[0]))
  }
})

test('messages and entries are held to the same', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const parts = grid.map<unknown>('parts')
  const errors: string[] = []
  const system = createSystem({ grid, store: memoryStore(), hooks: { onFailure: ({ error }) => void errors.push(String(error)) } })
  const heard: unknown[] = []
  const hearer = setup({ types: { events: {} as { type: 'said'; value: unknown } } }).createMachine({
    on: { said: { actions: ({ event }) => heard.push(event.value) } },
  })
  const sayer = setup({ types: { events: {} as { type: 'send'; value: unknown } | { type: 'put'; value: unknown } } }).createMachine({
    on: {
      send: { actions: send('b', ({ event }) => ({ type: 'said', value: event.value })) },
      put: { actions: put(parts, 'p', ({ event }: { event: { value: unknown } }) => event.value) },
    },
  })
  await system.spawn(hearer, { id: 'b' })
  const a = await system.spawn(sayer, { id: 'a', durability: 'gated' })
  for (const value of [-0, { x: 1 }]) {
    a.send({ type: 'send', value })
    a.send({ type: 'put', value })
    await clock.advance(10)
  }
  assert.equal(heard, [0, { x: 1 }])
  assert.not.ok(Object.is(heard[0], -0))
  assert.equal(parts.peek('p')?.value, { x: 1 })
  for (const type of ['send', 'put'] as const) {
    a.send({ type, value: new Own() })
    await clock.advance(100)
  }
  assert.match(errors[0] ?? '', /a send of agent "a" cannot be stored: event\.value is an object of a class \(Own\)/)
  assert.match(errors[1] ?? '', /a put of agent "a" cannot be stored: value is an object of a class \(Own\)/)
  await system.close()
  await grid.close()
})

test.run()
