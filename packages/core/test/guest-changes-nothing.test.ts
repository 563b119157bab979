import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine, fromPromise, type AnyStateMachine } from 'xstate'
import { child, isCoreError, type CoreHooks } from '../src/index.ts'
import { add, counter, openBench } from './support.ts'

const test = suite('hooks change nothing')

const NAMES = [
  'onTransitionStart',
  'onTransitionEnd',
  'onSpawn',
  'onViolation',
  'onStarting',
  'onStarted',
  'onStop',
  'onFailure',
  'onSupervisor',
  'onEscalation',
  'onDependency',
  'onNeed',
  'onRestart',
  'onCheckpoint',
  'onCheckpointError',
  'onDeadLetter',
] as const satisfies readonly (keyof CoreHooks)[]

/** A life with everything in it; returns all that can be seen of it from outside. */
async function life(hooks: CoreHooks | undefined): Promise<{ readonly seen: unknown[]; readonly errors: number }> {
  const bench = await openBench(hooks === undefined ? {} : { hooks })
  const { system, clock, grid } = bench
  const seen: unknown[] = []
  const parts = grid.map<number>('parts')
  const api = system.dependency('api', { breaker: { failures: 1, openMs: 50 } })
  const fail = (): never => {
    throw new Error('down')
  }
  const needs = { source: { map: parts, source: 'p', maxAgeMs: 10 }, api: { dependency: api } }
  const one = await system.spawn(counter as AnyStateMachine, {
    id: 'one',
    durability: 'checkpoint',
    watch: { parts },
    needs,
    mailbox: { attempts: 2 },
  })
  one.subscribe((snapshot) => seen.push(clock.now(), snapshot.context))
  const caller = createMachine({
    types: {} as { events: { type: 'go' } },
    initial: 'a',
    states: {
      a: { tags: 'violation', on: { go: 'b' } },
      b: { invoke: { src: api.fromPromise(fail), onError: 'c' } },
      c: { invoke: { src: fromPromise(fail) } },
    },
  })
  const tree = await system.supervise({
    id: 's',
    strategy: 'one-for-all',
    maxRestarts: 2,
    children: [child(counter, { id: 'two' }), child(caller, { id: 'three' })],
  })
  one.watch('two')
  for (const round of [1, 2, 3]) {
    await parts.put('p', round, { source: { epoch: 1, seq: round } })
    one.send(add(round))
    one.send({ type: 'boom' })
    system.send('three', { type: 'go' })
    system.send('nobody', { type: 'hello' })
    await clock.advance(500)
    seen.push(one.status, one.restarts, tree.status, system.agents, api.stats, one.needs, system.trees())
  }
  const { recent, count } = system.deadLetters
  seen.push(count, recent)
  await bench.close()
  assert.is(clock.pending, 0)
  return { seen, errors: system.guestErrors }
}

test('absent, empty, throwing or rejecting: the agents do the same, at the same times, and the errors are counted', async () => {
  const told = new Set<string>()
  const each = (fn: (name: string) => unknown): CoreHooks => Object.fromEntries(NAMES.map((name) => [name, () => fn(name)]))
  const fail = (name: string): never => {
    told.add(name)
    throw new Error('a bad guest')
  }
  const without = await life(undefined)
  assert.ok(without.seen.length > 20)
  const others: readonly [CoreHooks, boolean][] = [
    [{}, false],
    [each(() => undefined), false],
    [each(fail), true],
    [each(async (name) => fail(name)), true],
    [{ transitions: { start: () => fail('transitions'), end: () => fail('transitions') } }, true],
  ]
  for (const [hooks, fails] of others) {
    const { seen, errors } = await life(hooks)
    assert.equal(seen, without.seen)
    assert.is(errors > 0, fails)
  }
  const untold = NAMES.filter((name) => !told.has(name) && name !== 'onCheckpointError')
  assert.equal(untold, [], 'each hook was told')
})

test('a hook cannot slip an error of its own into an answer', async () => {
  const bench = await openBench({
    hooks: {
      onDeadLetter: () => {
        throw new Error('a bad guest')
      },
    },
  })
  const agent = await bench.system.spawn(counter)
  await agent.stop()
  const [asked] = await Promise.allSettled([agent.ask(() => add(1))])
  assert.ok(asked?.status === 'rejected' && isCoreError(asked.reason, 'AGENT_STOPPED'))
  await bench.close()
})

test.run()
