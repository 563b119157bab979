import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createMachine } from 'xstate'
import { checkStore, child, coalesce, createSystem, drainOnSignal, isCoreError, put, SeenEffects, send } from '../src/index.ts'
import { crashEverywhere, heardBy, simulate } from '../src/testing/index.ts'
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
    hooksList: [{ grid, hooks: [] }, 'hooks is an array'],
    onSpawn: [{ grid, hooks: { onSpawn: 5 } }, 'hook onSpawn is 5'],
    transitions: [{ grid, hooks: { transitions: {} } }, 'transitions is an object'],
    ids: [{ grid, ids: () => '' }, 'ids() is ""'],
    idsNumber: [{ grid, ids: () => 5 }, 'ids() is 5'],
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
    need: [{ needs: { store: { store: 5 } } }, 'needs.store has "nothing to ask"'],
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

test('what an agent is asked and told by mistake', async () => {
  const { system, close } = await openBench()
  const agent = await system.spawn(machine, { id: 'a' })
  const event = { type: 'x' } as const
  await refused('ask', () => (agent.ask as Wrong as () => unknown)(), 'what makes the question is undefined')
  await refused('ask', () => agent.ask(5 as Wrong), 'what makes the question is 5')
  await refused('ask', () => agent.ask(() => event, null as Wrong), 'ask is null')
  await refused('ask', () => agent.ask(() => event, { timeout: 5 } as Wrong), 'ask has no option "timeout"')
  await refused('ask', () => agent.ask(() => event, { signal: 5 } as Wrong), 'signal is 5')
  await refused('until', () => (agent.until as Wrong as () => unknown)(), 'predicate is undefined')
  await refused('until', () => agent.until(5 as Wrong), 'predicate is 5')
  await refused('until', () => agent.until(() => true, null as Wrong), 'what is awaited is null')
  await refused('until', () => agent.until(() => true, { timeout: 5 } as Wrong), 'what is awaited has no option "timeout"')
  await refused('until', () => agent.until(() => true, { signal: 5 } as Wrong), 'signal is 5')
  await refused('send', () => agent.send(event, { ident: 5 } as Wrong), 'send has no option "ident"')
  await refused('send', () => agent.send(event, { id: 5 as Wrong }), 'id is 5')
  await refused('send', () => system.send('a', event, { ident: 5 } as Wrong), 'send has no option "ident"')
  await refused('on', () => agent.on('x' as Wrong, 5 as Wrong), 'the listener is 5')
  await refused('on', () => agent.on(5 as Wrong, () => undefined), 'the type of event is 5')
  await refused('subscribe', () => (agent.subscribe as Wrong as () => unknown)(), 'the listener is undefined')
  await refused('watch', () => agent.watch(''), 'the agent to watch is ""')
  await refused('watch', () => agent.watch(5 as Wrong), 'the agent to watch is 5')
  await refused('close', () => system.close({ timeout: 5 } as Wrong), 'close has no option "timeout"')
  await refused('close', () => system.close(null as Wrong), 'close is null')
  assert.is(agent.status, 'running')
  await close()
})

test('a wrong filter of dead letters matches nothing, and not everything', async () => {
  const { system, close } = await openBench()
  system.send('nobody', { type: 'x' })
  const { deadLetters } = system
  for (const filter of [5, null, 'x', [], { agent: 'nobody' }] as Wrong[]) {
    await refused('list', () => deadLetters.list(filter), /filter of dead letters (is|has no option) /)
    await refused('purge', () => deadLetters.purge(filter), /filter of dead letters /)
    await refused('replay', () => deadLetters.replay(filter), /filter of dead letters /)
  }
  await refused('replay', () => deadLetters.replay({}, { too: 'x' } as Wrong), 'replay has no option "too"')
  await refused('replay', () => deadLetters.replay({}, null as Wrong), 'replay is null')
  await refused('replay', () => deadLetters.replay({}, { to: 5 as Wrong }), 'to is 5')
  assert.equal(
    deadLetters.list().map(({ seq }) => seq),
    [1],
  )
  await close()
})

test('what is made ahead is checked where it is made', async () => {
  const { system, close } = await openBench()
  await refused('child', () => (child as Wrong as () => unknown)(), 'a child is undefined', 'BAD_MACHINE')
  await refused('child', () => child(machine, 5 as Wrong), 'options of a child are 5')
  await refused('send', () => (send as Wrong as () => unknown)(), 'send() to is undefined')
  await refused('send', () => (send as Wrong as (to: string) => unknown)('x'), 'send() of undefined')
  await refused('send', () => send('x', { type: 'xstate.stop' }), 'send() of an object')
  await refused('heardBy', () => heardBy(5 as Wrong), 'the probe is 5')
  await refused('signals', () => drainOnSignal(system, { signals: ['SIGTREM'] }), 'signals is ["SIGTREM"]: give some of SIGTERM, SIGINT')
  await refused('signals', () => drainOnSignal(system, { signals: 'SIGTERM' as Wrong }), 'signals is "SIGTERM"')
  await refused('exit', () => drainOnSignal(system, { exit: 5 as Wrong }), 'exit is 5')
  await refused('source', () => drainOnSignal(system, { source: {} as Wrong }), 'source is an object')
  for (const row of [5, [], ['a', 1], ['a', 1, []], ['a', 1, 'x']] as Wrong[]) {
    await refused('seen', () => new SeenEffects([row]), 'a row of SeenEffects is')
  }
  await refused(
    'take',
    () => new SeenEffects().take(undefined as Wrong),
    'the origin of an effect is undefined: ask only for those that have one',
  )
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
