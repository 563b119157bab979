import { createMemoryStore } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine, fromCallback, setup } from 'xstate'
import { checkStore, type CoreError, type Migration } from '../src/index.ts'
import { openBench } from './support.ts'

const test = suite('check of a store')

const boom = (): never => {
  throw new Error('no')
}

test('it says which stored agents the new program could not resume, and runs and writes nothing', async () => {
  const store = createMemoryStore()
  const bench = await openBench({ store })
  const kid = fromCallback(() => undefined)
  const robot = createMachine({ id: 'robot', version: '1', context: { part: 'p' }, initial: 'idle', states: { idle: {} } })
  const camera = setup({ actors: { kid } }).createMachine({ id: 'camera', version: '1', invoke: { id: 'k', src: 'kid' } })
  for (const id of ['r1', 'r2']) await bench.system.spawn(robot, { id, durability: 'checkpoint' })
  await bench.system.spawn(camera, { id: 'c1', durability: 'checkpoint' })
  await bench.system.spawn(createMachine({ id: 'gone' }), { id: 'g1', durability: 'checkpoint' })
  await bench.close()
  await store.commit('z broken', 0, { owner: 'x', token: 1 }, new Uint8Array([0xc1]))
  const before = await Promise.all(['r1', 'c1', 'g1'].map((id) => store.get(id)))

  let ran = 0
  const run = (): void => void (ran += 1)
  const next = createMachine({ id: 'robot', version: '2', entry: run, initial: 'resting', states: { resting: { entry: run } } })
  const migrations: readonly Migration[] = [{ from: '1', to: '2', state: () => ({ value: 'resting', context: {} }) }]
  const all = await checkStore(store, [{ machine: next, migrations }, { machine: camera }])
  assert.is(all.checked, 5)
  assert.equal(
    all.failures.map(({ id, type, version, error }) => [id, type, version, (error as Error & { code?: string }).code]),
    [
      ['g1', 'gone', undefined, 'STORE_FOREIGN'],
      ['z broken', undefined, undefined, 'STORE_BROKEN'],
    ],
  )

  const cases: readonly [object, RegExp][] = [
    [{ machine: next }, /no migrations lead there/],
    [{ machine: next, migrations: [{ from: '1', to: '2', state: boom }] }, /cannot be brought from version "1" to "2"/],
    [{ machine: next, migrations: [{ from: '1', to: '2' }] }, /idle/],
  ]
  for (const [kind, message] of cases) {
    const { failed, failures } = await checkStore(store, [kind as { machine: typeof next }], { prefix: 'r', limit: 1 })
    assert.is(failed, 2)
    assert.is(failures.length, 1)
    assert.match(String(failures[0]?.error), message)
  }
  const without = createMachine({ id: 'camera', version: '1' })
  const { failures } = await checkStore(store, [{ machine: without }], { prefix: 'c' })
  assert.match(String(failures[0]?.error), /child "k" is made of "kid", which the machine does not have/)
  assert.is(ran, 0)
  assert.equal(await Promise.all(['r1', 'c1', 'g1'].map((id) => store.get(id))), before)
})

test('a child, or a child of a child, whose stored state is gone is told by the check and refused by spawn', async () => {
  const kid = (state: string) => createMachine({ id: 'kid', initial: state, states: { [state]: {} } })
  const above = (state: string, deep: boolean) => {
    const middle = setup({ actors: { kid: kid(state) } }).createMachine({ id: 'middle', invoke: { id: 'k', src: 'kid' } })
    return setup({ actors: { kid: deep ? middle : kid(state) } }).createMachine({ id: 'm', invoke: { id: 'kid', src: 'kid' } })
  }
  for (const durability of ['checkpoint', 'gated'] as const) {
    for (const deep of [false, true]) {
      const store = createMemoryStore()
      const bench = await openBench({ store })
      await bench.system.spawn(above('x', deep), { id: 'a', durability })
      await bench.close()
      const before = await store.get('a')
      const same = await checkStore(store, [{ machine: above('x', deep) }])
      const { failures } = await checkStore(store, [{ machine: above('y', deep) }])
      assert.equal([same.failed, failures.length], [0, 1])
      const told = deep
        ? /the stored child "kid\/k" does not fit its machine: .*'x'/
        : /the stored child "kid" does not fit its machine: .*'x'/
      assert.match(String(failures[0]?.error), told)
      const next = await openBench({ store })
      const refused: unknown = await next.system.spawn(above('y', deep), { id: 'a', durability }).catch((error: unknown) => error)
      assert.match(String(refused), told)
      await next.close()
      assert.equal(await store.get('a'), before, 'and left untouched')
    }
  }
})

test('a state that was forgotten is none, and what else is in the store can be left out', async () => {
  const store = createMemoryStore()
  const bench = await openBench({ store })
  const bad = createMachine({ id: 'robot', entry: boom })
  let code: string | undefined
  try {
    await bench.system.spawn(bad, { id: 'never ran', durability: 'checkpoint' })
  } catch (error) {
    code = (error as CoreError).code
  }
  assert.is(code, 'START_FAILED')
  assert.is((await store.get('never ran'))?.value.byteLength, 0)
  const good = createMachine({ id: 'robot' })
  await bench.system.spawn(good, { id: 'r1', durability: 'checkpoint' })
  await bench.close()
  await store.commit('audit/cell', 0, { owner: 'x', token: 1 }, Buffer.from('{}'))
  const found = await checkStore(store, [{ machine: good }], { skip: ['parts/', 'audit/'] })
  assert.equal(found, { checked: 1, forgotten: 1, failed: 0, failures: [] })
  assert.is((await checkStore(store, [{ machine: good }])).failed, 1)
})

test('kinds that are none are refused before the store is read', async () => {
  const store = {
    scan() {
      throw new Error('read')
    },
  }
  const machine = createMachine({ id: 'robot' })
  const cases: readonly [unknown, RegExp][] = [
    [{ machine }, /^kinds is an object: give a list of \{ machine, migrations \}$/],
    [[machine], /^kinds\[0\]: an object has no machine: give \{ machine, migrations \}/],
    [[null], /^kinds\[0\]: null has no machine/],
    [[{ machine }, { machine: 'robot' }], /^kinds\[1\]: machine is "robot": give/],
    [[{ machine, type: '' }], /^kinds\[0\]: type is "": give a non-empty string$/],
    [[{ machine, migrations: {} }], /^kinds\[0\]: migrations is an object: give a list$/],
    [[{ machine, migrations: [{ from: '1' }] }], /^kinds\[0\]: migrations\[0\]\.to is undefined: give a version$/],
    [[{ machine }, { machine }], /^kinds\[1\]: type is "robot" a second time: give each type once$/],
  ]
  for (const [kinds, message] of cases) {
    try {
      await checkStore(store as never, kinds as never)
      assert.unreachable()
    } catch (error) {
      assert.is((error as CoreError).code, 'BAD_OPTION', String(error))
      assert.match((error as CoreError).message, message)
    }
  }
})

test.run()
