import type { GridMap } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { isCoreError, type MapEvent, type SpawnOptions } from '../src/index.ts'
import { openBench, traceOf, type Bench } from './support.ts'

const test = suite('world binding')

type Part = { x: number; owner?: string }
type Event = MapEvent<'parts', Part> | { type: 'agent.restored' } | { type: 'note'; text: string } | { type: 'boom' }

/** Writes down what it is told. */
function witness(log: string[]) {
  return createMachine({
    id: 'witness',
    types: {} as { events: Event },
    on: {
      '*': {
        actions: ({ event }) => {
          if (event.type === 'boom') throw new Error('boom')
          if (event.type === 'parts.put') log.push(`put ${event.key}=${event.value.x}`)
          else if (event.type === 'parts.resync') log.push(`resync ${event.reason} [${[...event.keys].sort().join(' ')}]`)
          else if (event.type === 'note') log.push(event.text)
          else if (event.type === 'agent.restored') log.push('restored')
          else log.push(`${event.type.slice('parts.'.length)} ${event.key} (was ${event.previous.value.x})`)
        },
      },
    },
  })
}

async function watching(
  options: Omit<SpawnOptions<ReturnType<typeof witness>>, 'watch'> & { where?: (part: Part) => boolean; coalesce?: boolean } = {},
  prepare: (parts: GridMap<Part>) => Promise<unknown> = async () => undefined,
) {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  await prepare(parts)
  const log: string[] = []
  const { where, coalesce, ...rest } = options
  const binding = { map: parts, ...(where && { where: (entry: { value: Part }) => where(entry.value) }), ...(coalesce && { coalesce }) }
  const agent = await bench.system.spawn(witness(log), { id: 'w', ...rest, watch: { parts: binding } })
  return { bench, parts, log, agent }
}

const fill = async (parts: GridMap<Part>, from: number, to: number): Promise<void> => {
  for (let i = from; i <= to; i++) await parts.put(`p${i}`, { x: i })
}

async function ended(bench: Bench, log: readonly string[], expected: readonly string[]): Promise<void> {
  await bench.settle()
  assert.equal(log, expected)
  await bench.close()
}

test('the present entries come first, as puts; then each change in order', async () => {
  const { bench, parts, log, agent } = await watching({}, (map) => map.put('p1', { x: 1 }))
  agent.send({ type: 'note', text: 'sent after spawn' })
  await parts.put('p1', { x: 2 })
  await parts.put('p2', { x: 3 }, { ttlMs: 500 })
  await parts.remove('p1')
  await bench.clock.advance(500)
  await ended(bench, log, ['put p1=1', 'sent after spawn', 'put p1=2', 'put p2=3', 'remove p1 (was 2)', 'expire p2 (was 3)'])
})

test('the trace of an entry is the trace of the event', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  const traces: unknown[] = []
  const machine = createMachine({ on: { '*': { actions: () => traces.push(bench.grid.trace.current?.traceId.slice(-1)) } } })
  await parts.put('p1', { x: 1 }, { trace: traceOf(1) })
  await bench.system.spawn(machine, { watch: { parts } })
  await parts.put('p2', { x: 1 }, { trace: traceOf(2) })
  await parts.remove('p2', { trace: traceOf(3) })
  await bench.settle()
  assert.equal(traces, ['1', '2', '3'])
  await bench.close()
})

test('where chooses: also among the present ones, and told when an entry stops to satisfy it', async () => {
  const { bench, parts, log } = await watching({ where: (part) => part.owner === 'me' }, async (map) => {
    await map.put('p1', { x: 1 })
    await map.put('p2', { x: 2, owner: 'me' })
  })
  await parts.put('p1', { x: 3, owner: 'me' })
  await parts.put('p2', { x: 4 })
  await parts.put('p2', { x: 5 })
  await ended(bench, log, ['put p2=2', 'put p1=3', 'put p2=4'])
})

test('a where that throws is counted, and its entries are told', async () => {
  const { bench, log } = await watching(
    {
      where: () => {
        throw new Error('bad where')
      },
    },
    (map) => map.put('p1', { x: 1 }),
  )
  await bench.settle()
  assert.is(bench.system.guestErrors, 1)
  await ended(bench, log, ['put p1=1'])
})

test('coalesce: only the newest undelivered change of a key', async () => {
  const { bench, parts, log } = await watching({ coalesce: true })
  // Not awaited: all three are committed before the first is told.
  for (const x of [1, 2, 3]) void parts.put('p1', { x })
  await ended(bench, log, ['put p1=3'])
})

test('more changes than the mailbox holds: a resync with the present state, then the changes after it (I5)', async () => {
  const { bench, parts, log } = await watching({ mailbox: { capacity: 4 } })
  for (let i = 1; i <= 6; i++) void parts.put(`p${i}`, { x: i })
  void parts.remove('p1')
  await bench.settle()
  assert.is(log[0], 'put p1=1', 'what was accepted before')
  const at = log.indexOf('resync overflow [p2 p3 p4 p5 p6]')
  assert.ok(at > 0, log.join(', '))
  assert.equal(
    log.slice(at + 1).sort(),
    [2, 3, 4, 5, 6].map((i) => `put p${i}=${i}`),
  )
  assert.is(bench.system.deadLetters.count, 0)
  log.length = 0
  await parts.put('p9', { x: 9 })
  await ended(bench, log, ['put p9=9'])
})

test('a resync comes where the first lost change would have been; until then no newer change is told', async () => {
  const { bench, parts, log, agent } = await watching({ mailbox: { capacity: 4 } })
  await bench.settle()
  // Sent from a microtask each, so that the changes arrive in between.
  for (const text of ['one', 'two', 'three']) agent.send({ type: 'note', text })
  void parts.put('p1', { x: 1 })
  void parts.put('p2', { x: 2 })
  await bench.settle()
  assert.equal(log.slice(0, 3), ['one', 'two', 'three'])
  log.length = 0

  for (let i = 1; i <= 6; i++) void parts.put('p3', { x: i })
  await bench.settle()
  agent.send({ type: 'note', text: 'after' })
  await bench.settle()
  assert.equal(log.slice(-2), ['put p3=6', 'after'])
  await bench.close()
})

test('who is behind already hears of the strongest reason there was', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  let tell: Parameters<typeof parts.watch>[0] = () => {}
  const map = new Proxy(parts, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'watch') return value.bind(target) as unknown
      return (listener: typeof tell, options: Parameters<typeof parts.watch>[1]) => {
        tell = listener
        return target.watch(listener, options)
      }
    },
  })
  const log: string[] = []
  await bench.system.spawn(witness(log), { id: 'w', watch: { parts: { map } } })
  for (const reason of ['overflow', 'merge', 'gap'] as const) tell({ type: 'resync', reason, entries: new Map() })
  await ended(bench, log, ['resync merge []'])
})

test('a flood of other events does not put the resync off', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  let floods = 0
  let resyncAt: number | undefined
  const machine = createMachine({
    types: {} as { events: MapEvent<'parts', Part> | { type: 'flood' } },
    on: {
      'parts.resync': { actions: () => void (resyncAt ??= floods) },
      flood: {
        // Keeps its own mailbox full, and a change is lost among it.
        actions: () => {
          floods += 1
          if (floods === 10) void parts.put('p1', { x: 1 })
          if (floods < 500) while (bench.system.send('x', { type: 'flood' }));
        },
      },
    },
  })
  await bench.system.spawn(machine, { id: 'x', watch: { parts }, mailbox: { capacity: 16 } })
  bench.system.send('x', { type: 'flood' })
  await bench.settle()
  await bench.settle()
  assert.ok(resyncAt !== undefined && resyncAt < 10 + 128, `resync after ${String(resyncAt)} others`)
  await bench.close()
})

test('a change the agent breaks on is a dead letter; after the restart it is among the present ones', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  let throwing = true
  const log: string[] = []
  const machine = createMachine({
    types: {} as { events: MapEvent<'parts', Part> },
    on: {
      'parts.put': {
        actions: ({ event }) => {
          if (throwing) throw new Error('boom')
          log.push(event.key)
        },
      },
    },
  })
  await bench.system.spawn(machine, { id: 'x', watch: { parts } })
  await parts.put('p1', { x: 1 })
  await bench.settle()
  assert.equal(
    bench.system.deadLetters.recent.map(({ event, reason }) => [event.type, reason]),
    [['parts.put', 'crashed']],
  )
  throwing = false
  await bench.clock.advance(10)
  assert.equal(log, ['p1'])
  await bench.close()
})

test('after a resync nothing older comes: no put of a state that is gone', async () => {
  const { bench, parts, log } = await watching({ mailbox: { capacity: 8 } })
  for (let round = 1; round <= 50; round++) for (const key of ['a', 'b', 'c']) void parts.put(key, { x: round })
  await bench.settle()
  const last: Record<string, number> = {}
  for (const line of log) {
    const [, key, x] = /^put (\w)=(\d+)$/.exec(line) ?? []
    if (key === undefined) continue
    assert.ok(Number(x) >= (last[key] ?? 0), `${line} after ${String(last[key])}`)
    last[key] = Number(x)
  }
  assert.equal(last, { a: 50, b: 50, c: 50 })
  await bench.close()
})

test('more entries than the mailbox holds: all are told, at spawn and after a resync', async () => {
  const { bench, parts, log, agent } = await watching({ mailbox: { capacity: 2 } }, (map) => fill(map, 1, 20))
  await bench.settle()
  assert.equal([...log].sort(), Array.from({ length: 20 }, (_, i) => `put p${i + 1}=${i + 1}`).sort())
  log.length = 0
  for (let i = 1; i <= 10; i++) void parts.put(`p${i}`, { x: 100 })
  assert.is(agent.send({ type: 'note', text: 'others are served as well' }), true)
  await bench.settle()
  assert.ok(log.includes('others are served as well'))
  assert.is(log.filter((line) => line === 'put p10=100').length, 1)
  await bench.close()
})

test('an event dropped for a newer one of somebody else is made good by a resync', async () => {
  const { bench, parts, log, agent } = await watching({ mailbox: { capacity: 2, overflow: 'drop-oldest' } })
  await bench.settle()
  await parts.put('p1', { x: 1 })
  // The change is in the mailbox by now, or on its way: these push it out.
  queueMicrotask(() => {
    for (const text of ['one', 'two', 'three']) agent.send({ type: 'note', text })
  })
  await bench.settle()
  assert.ok(log.includes('put p1=1'), log.join(', '))
  await bench.close()
})

test('restored from its checkpoint: told so first, then what is there now, then what had waited', async () => {
  const { bench, parts, log, agent } = await watching({ durability: 'checkpoint' }, (map) => fill(map, 1, 2))
  await bench.settle()
  log.length = 0
  agent.send({ type: 'boom' })
  agent.send({ type: 'note', text: 'had waited' })
  await bench.settle()
  assert.is(agent.status, 'restarting')
  await parts.put('p1', { x: 7 })
  await parts.remove('p2')
  agent.send({ type: 'note', text: 'came meanwhile' })
  await bench.clock.advance(10)
  await parts.put('p3', { x: 3 })
  await ended(bench, log, ['restored', 'resync restored [p1]', 'put p1=7', 'had waited', 'came meanwhile', 'put p3=3'])
})

test('begun anew: the present entries as puts, without a resync', async () => {
  const { bench, log, agent } = await watching({}, (map) => fill(map, 1, 1))
  await bench.settle()
  log.length = 0
  agent.send({ type: 'boom' })
  await bench.clock.advance(10)
  await ended(bench, log, ['restored', 'put p1=1'])
})

test('a stopped agent watches nothing any more', async () => {
  const { bench, parts, log, agent } = await watching()
  await agent.stop()
  await parts.put('p1', { x: 1 })
  await bench.settle()
  assert.is(bench.system.deadLetters.count, 0)
  await ended(bench, log, [])
})

test('a binding to one key sees that key alone, from its present entry on', async () => {
  const bench = await openBench()
  const parts = bench.grid.map<Part>('parts')
  await fill(parts, 1, 3)
  const log: string[] = []
  await bench.system.spawn(witness(log), { id: 'a', watch: { parts: { map: parts, key: 'p2' } } })
  await parts.put('p1', { x: 10 })
  await parts.put('p2', { x: 20 })
  await parts.remove('p2')
  await ended(bench, log, ['put p2=2', 'put p2=20', 'remove p2 (was 20)'])
})

test('what is no map is refused with its name', async () => {
  const bench = await openBench()
  for (const given of ['parts', {}, { map: 7 }, undefined]) {
    const [result] = await Promise.allSettled([bench.system.spawn(witness([]), { watch: { parts: given as never } })])
    assert.ok(result?.status === 'rejected' && isCoreError(result.reason, 'BAD_OPTION'))
    assert.match(String(result.reason), /watch\.parts is .*: give a map of a grid/)
  }
  await bench.close()
})

test.run()
