import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createMachine } from 'xstate'
import { checkStore, child, coalesce, createSystem, drainOnSignal, isCoreError, put, SeenEffects, send } from '../src/index.ts'
import { crashEverywhere, simulate } from '../src/testing/index.ts'
import { openBench } from './support.ts'

const test = suite('names of options')

const machine = createMachine({ id: 'm', on: { x: {} } })
/** What TypeScript would not let pass. */
type Wrong = never

async function refused(
  what: string,
  fn: () => unknown,
  says: string | RegExp,
  code: 'BAD_OPTION' | 'BAD_MACHINE' = 'BAD_OPTION',
): Promise<void> {
  try {
    await fn()
  } catch (error) {
    assert.ok(isCoreError(error, code), `${what}: ${String(error)}`)
    assert.match((error as Error).message, says, what)
    return
  }
  assert.unreachable(`${what} was accepted`)
}

test('an option of the system that is misspelt or no such thing is refused', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock, id: 'here' })
  const wrong: Readonly<Record<string, readonly [unknown, string | RegExp]>> = {
    nothing: [undefined, 'openGrid()'],
    null: [null, 'createSystem is null'],
    stor: [{ grid, stor: {} }, '"stor"'],
    store: [{ grid, store: 5 }, 'store is 5'],
    clock: [{ grid, clock: {} }, 'clock is an object'],
    random: [{ grid, random: 5 }, 'random is 5'],
    wallNow: [{ grid, wallNow: 5 }, 'wallNow is 5'],
    hooks: [{ grid, hooks: 5 }, 'hooks is 5'],
    onSpwn: [{ grid, hooks: { onSpwn: () => undefined } }, /"onSpwn": give transitions, onTransitionStart/],
    actuators: [{ grid, actuators: null }, 'actuators is null'],
    mailbox: [{ grid, mailbox: null }, 'mailbox is null'],
    supervision: [{ grid, supervision: { maxRestart: 1 } }, '"maxRestart"'],
  }
  for (const [what, [options, says]] of Object.entries(wrong)) await refused(what, () => createSystem(options as Wrong), says)
  await grid.close()
})

test('an option of an agent that is misspelt or no such thing is refused: it would run otherwise than it was meant', async () => {
  const { system, grid, close } = await openBench()
  const map = grid.map('parts')
  const wrong: Readonly<Record<string, readonly [unknown, string]>> = {
    null: [null, 'spawn is null'],
    durabilty: [{ durabilty: 'gated' }, '"durabilty"'],
    capcity: [{ mailbox: { capcity: 5 } }, '"capcity"'],
    backoff: [{ supervision: { backoff: { minMS: 5 } } }, '"minMS"'],
    gate: [{ gate: { maxTransition: 1 } }, '"maxTransition"'],
    checkpoint: [{ checkpoint: { transition: 1 } }, '"transition"'],
    needs: [{ needs: null }, 'needs is null'],
    watch: [{ watch: null }, 'watch is null'],
    wher: [{ watch: { parts: { map, wher: () => true } } }, '"wher"'],
    where: [{ watch: { parts: { map, where: 5 } } }, 'watch.parts.where is 5'],
    migrations: [{ migrations: {} }, 'migrations is an object'],
    migration: [{ migrations: [null] }, 'migrations[0] is null'],
    sate: [{ migrations: [{ from: '1', to: '2', sate: () => undefined }] }, '"sate"'],
  }
  for (const [what, [options, says]] of Object.entries(wrong)) {
    await refused(what, () => system.spawn(machine, options as Wrong), says)
    // Under a supervisor it has no supervision of its own.
    if (options === null || what === 'backoff') continue
    const spec = { id: 's', children: [child(machine, options as Wrong)] }
    await refused(`child ${what}`, () => system.supervise(spec), says)
  }
  // What a child has besides is no option of an agent alone.
  await refused('shutdownMs', () => system.spawn(machine, { shutdownMs: 5 } as Wrong), '"shutdownMs"')
  const cell = await system.supervise({ id: 's', children: [child(machine, { id: 'c', shutdownMs: 5, restart: 'temporary' })] })
  await cell.spawn(machine, { id: 'd', shutdownMs: 5 })
  await close()
})

test('what else is misspelt, or no such thing', async () => {
  const { system, close } = await openBench()
  const api = system.dependency('api')
  const event = { type: 'x' }
  await refused('drain', () => system.drain({ timeout: 5 } as Wrong), '"timeout"')
  await refused('drain', () => system.drain({ signal: 5 } as Wrong), 'signal is 5')
  await refused('drainOnSignal', () => drainOnSignal(null as Wrong), 'createSystem()')
  await refused('drainOnSignal', () => drainOnSignal(system, { timeout: 5 } as Wrong), '"timeout"')
  await refused('dependency', () => system.dependency('other', null as Wrong), 'dependency is null')
  await refused('breaker', () => system.dependency('another', { breaker: null } as Wrong), 'breaker is null')
  await refused('call', () => api.call(5 as Wrong), 'is 5')
  await refused('map', () => api.map(5 as Wrong), 'is 5')
  await refused('fromPromise', () => api.fromPromise(5 as Wrong), 'is 5')
  await refused('coalesce', () => coalesce(5 as Wrong), 'coalesce is 5')
  await refused('coalesce', () => coalesce(() => 'k', 'drop' as Wrong), '"drop"')
  await refused('send', () => send('', event), 'send() to is ""')
  await refused('put', () => put(null as Wrong, 'k', 1), 'put() into is null')
  await refused('seen', () => new SeenEffects(5 as Wrong), 'are given 5')
  await refused('checkStore', () => checkStore(null as Wrong, []), 'store is null')
  await refused('simulate', () => simulate({ seed: 'x' } as Wrong), 'seed is "x"')
  await refused('simulate', () => simulate({ seed: 1, agents: 5 } as Wrong), '"agents"')
  await refused('simulate', () => simulate({ seed: 1, eventsPerAgent: -1 }), 'eventsPerAgent is -1')
  await refused('crashEverywhere', () => crashEverywhere(machine, [event], { peer: ['a'] } as Wrong), '"peer"')
  await refused('crashEverywhere', () => crashEverywhere(machine, [event], { peers: 'a' } as Wrong), 'peers is "a"')
  await refused('crashEverywhere', () => crashEverywhere(machine, [5] as Wrong), 'events holds 5')
  await refused('crashEverywhere', () => crashEverywhere(machine, []), 'events holds nothing')
  for (const [options, says] of [
    [{ id: 5 }, 'id is 5'],
    [{ peers: ['m'] }, 'peers holds "m"'],
    [{ peers: ['m.driver'] }, 'peers holds "m.driver"'],
    [{ peers: ['a', 'a'] }, 'peers holds "a"'],
    [{ actuators: [''] }, 'actuators is an array: give a list of names'],
    [{ everyMs: Infinity }, 'everyMs is Infinity'],
    [{ seed: 'x' }, 'seed is "x"'],
    [{ spawn: { timers: 'x' } }, 'timers is "x"'],
    [{ spawn: { gate: { maxCommits: 0 } } }, 'maxCommits is 0'],
  ] as const)
    await refused('crashEverywhere', () => crashEverywhere(machine, [event], options as Wrong), says)
  const holding = [event, { type: 'x', by: { f: () => 1 } }]
  await refused('crashEverywhere', () => crashEverywhere(machine, holding), 'events[1].by.f is a function (f): events are stored')
  await refused('crashEverywhere', () => crashEverywhere(5 as Wrong, [event] as Wrong), '5 is no', 'BAD_MACHINE')
  await close()
})

test('so are filters of dead letters, which would match everything, and options of replay, close and until', async () => {
  const bench = await openBench()
  const { system } = bench
  const { deadLetters } = system
  const agent = await system.spawn(machine)
  system.send('nobody', { type: 'x' })
  const wrong: Readonly<Record<string, readonly [() => unknown, string]>> = {
    'a number': [() => deadLetters.purge(5 as Wrong), 'filter of dead letters is 5'],
    'a text': [() => deadLetters.replay('x' as Wrong), 'filter of dead letters is "x"'],
    null: [() => deadLetters.list(null as Wrong), 'filter of dead letters is null'],
    agent: [() => deadLetters.list({ agent: 'x' } as Wrong), '"agent"'],
    too: [() => deadLetters.replay({}, { too: 'x' } as Wrong), '"too"'],
    'no options': [() => deadLetters.replay({}, null as Wrong), 'replay is null'],
    timeout: [() => system.close({ timeout: 5 } as Wrong), '"timeout"'],
    'close(null)': [() => system.close(null as Wrong), 'close is null'],
    until: [() => agent.until(() => true, { timeout: 5 } as Wrong), '"timeout"'],
    'until()': [() => agent.until(undefined as Wrong), 'predicate is undefined'],
    'until(f, null)': [() => agent.until(() => true, null as Wrong), 'what is awaited is null'],
    'ids of one name': [() => createSystem({ grid: bench.grid, ids: () => '' }), 'ids() is ""'],
    'ids that are none': [() => createSystem({ grid: bench.grid, ids: () => 5 as Wrong }), 'ids() is 5'],
  }
  for (const [what, [fn, says]] of Object.entries(wrong)) await refused(what, fn, says)
  assert.is(deadLetters.list().length, 1, 'and nothing has been done')
  await bench.close()
})

test.run()
