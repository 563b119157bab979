import { child, createSystem, type CoreHooks } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createMemoryJournalTable, openJournal } from '@stigmergy/grid/journal'
import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFlight } from './support/flight.ts'
import { memoryMeter } from './support/otel.ts'
import { fromPromise, setup } from './support/xstate.ts'

const test = suite('metrics that hooks bring')

/** A system whose hooks feed a meter, with a recorder or without. */
async function setUp({ flight, hooks }: { readonly flight?: boolean; readonly hooks?: CoreHooks } = {}) {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const telemetry = telemetryHooks({ meter, clock, flight: flight === true ? openFlight().flight : undefined })
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, hooks: telemetry.core })
  if (hooks !== undefined) system.use(hooks)
  return {
    clock,
    grid,
    system,
    telemetry,
    values: async (name: string) => (await read(name)).map(({ attributes, value }) => [attributes, value]),
    async close() {
      await system.close()
      await grid.close()
      await close()
    },
  }
}

/** Machines of the test have no type of their own here. */
const value = (snapshot: unknown): unknown => (snapshot as { readonly value: unknown }).value

const fragile = setup({}).createMachine({
  id: 'fragile',
  on: {
    boom: {
      actions: () => {
        throw new Error('boom')
      },
    },
  },
})

for (const flight of [false, true]) {
  const name = flight ? ', with a recorder' : ''

  test(`a supervisor that gives up on a child${name}`, async () => {
    let told: () => void = () => {}
    const escalation = new Promise<void>((resolve) => (told = resolve))
    const bench = await setUp({ flight, hooks: { onEscalation: () => told() } })
    await bench.system.supervise({ id: 'cell', strategy: 'one-for-one', maxRestarts: 0, children: [child(fragile, { id: 'c' })] })
    bench.system.send('c', { type: 'boom' })
    await escalation
    assert.equal(await bench.values('agent_escalations_total'), [[{ supervisor: 'cell' }, 1]])
    await bench.close()
  })

  test(`a need that is not met, and is met again; an agent that ends${name}`, async () => {
    const bench = await setUp({ flight })
    const beats = bench.grid.map<number>('beats')
    let seq = 0
    const beat = () => beats.put('camera', 1, { source: { epoch: 1, seq: ++seq } })
    await beat()
    const needs = { eye: { map: beats, source: 'camera', maxAgeMs: 50 } }
    const one = await bench.system.spawn(fragile, { id: 'r1', needs })
    await bench.system.spawn(fragile, { id: 'r2', needs })
    const unmet = async (): Promise<unknown> => bench.values('agent_needs_unmet')
    assert.equal(await unmet(), [])
    await bench.clock.advance(51)
    const told = (degraded: number) => [
      [{ need: 'eye', state: 'degraded' }, degraded],
      [{ need: 'eye', state: 'latched' }, 0],
    ]
    assert.equal(await unmet(), told(2))
    await one.stop()
    assert.equal(await unmet(), told(1))
    await beat()
    await bench.clock.advance(1)
    assert.equal(await unmet(), told(0))
    await bench.close()
  })

  test(`a policy that fails, by the id of the actor invoked${name}`, async () => {
    const bench = await setUp({ flight })
    const planner = setup({}).createMachine({
      id: 'planner',
      initial: 'thinking',
      states: {
        thinking: {
          invoke: {
            id: 'policy:grasp',
            src: fromPromise(() => Promise.reject(new Error('no gradient'))),
            onError: 'falling back',
          },
        },
        'falling back': { on: { again: 'thinking' } },
      },
    })
    const agent = await bench.system.spawn(planner, { id: 'p1' })
    for (let failures = 1; failures <= 2; failures++) {
      await agent.until((snapshot) => value(snapshot) === 'falling back', { timeoutMs: 1000 })
      assert.equal(await bench.values('policy_inference_errors_total'), [[{ policy: 'grasp' }, failures]])
      if (failures === 1) bench.system.send('p1', { type: 'again' })
      await Promise.resolve()
      await new Promise(setImmediate)
    }
    await bench.close()
  })
}

test('the lag of a reader, until it is closed', async () => {
  const bench = await setUp()
  const journal = openJournal(createMemoryJournalTable(), 'moves')
  const reader = await journal.reader('audit')
  const end = bench.telemetry.watchJournal(journal, reader)
  await journal.appendAll('p', 1, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)])
  const lag = async (): Promise<unknown> => bench.values('journal_lag_records')
  assert.equal(await lag(), [[{ journal: 'moves', consumer: 'audit' }, 3]])
  await reader.next()
  assert.equal(await lag(), [[{ journal: 'moves', consumer: 'audit' }, 0]])
  await reader.close()
  assert.equal(await lag(), [])
  end()
  await journal.close()
  await bench.close()
})

test('systems with the same agent id are told apart by their names, in series and in spans', async () => {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const { flight, spans } = openFlight({ keep: 'all' })
  const telemetry = telemetryHooks({ meter, clock, flight })
  await using grid = await openGrid({ clock })
  for (const name of ['left', 'right']) {
    await using system = createSystem({ grid, hooks: telemetry.forSystem(name) })
    const agent = await system.spawn(setup({}).createMachine({ id: 'm', initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } }), {
      id: 'r1',
      stage: 'planning',
    })
    system.send('r1', { type: 'go' })
    await agent.until((snapshot) => value(snapshot) === 'b', { timeoutMs: 1000 })
  }
  const latencies = (await read('agent_decision_latency_seconds')).map(({ attributes }) => attributes)
  assert.equal(
    latencies,
    ['left', 'right'].map((system) => ({ system, agent_type: 'm', agent_id: 'r1' })),
  )
  assert.equal(
    spans().map(({ attributes }) => attributes['agent.system']),
    ['left', 'right'],
  )
  await close()
})

test('one id for two agents at a time is told once; one after the other is not', async () => {
  const told: string[] = []
  const { meter, close } = memoryMeter()
  const clock = createVirtualClock()
  const telemetry = telemetryHooks({ meter, clock, sharedId: (id) => void told.push(id) })
  await using grid = await openGrid({ clock })
  const hooks = telemetry.core
  await using one = createSystem({ grid, hooks })
  await (await one.spawn(fragile, { id: 'r1' })).stop()
  await one.spawn(fragile, { id: 'r1' })
  one.send('r1', { type: 'boom' })
  assert.equal(told, [])
  await using two = createSystem({ grid, hooks })
  for (const id of ['r1', 'r2', 'r3']) await two.spawn(fragile, { id })
  await one.spawn(fragile, { id: 'r2' })
  assert.equal(told, ['r1'])
  await close()
})

test.run()
