import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createMachine, fromCallback } from 'xstate'
import { child, type Strategy, type SupervisorSpec } from '../src/index.ts'
import { affectedBy, decideFor, type Past } from '../src/supervision/strategy.ts'
import { resolveSupervisionOptions } from '../src/supervision/supervisor.ts'
import { below, forSeeds } from './seeds.ts'
import { openBench } from './support.ts'

const test = suite('strategy')

const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const
const pick = <T>(random: () => number, of: readonly T[]): T => of[below(random, of.length)] as T

test('who is affected, and what is decided, is what OTP says (seeded)', async () => {
  await forSeeds(500, (random) => {
    const children = Array.from({ length: 1 + below(random, 6) }, (_, i) => `c${i}`)
    const failed = pick(random, children)
    const strategy = pick(random, STRATEGIES)
    const affected = affectedBy(strategy, children, failed)
    for (const [i, id] of children.entries()) {
      const expected = strategy === 'one-for-all' || (strategy === 'one-for-one' ? id === failed : i >= children.indexOf(failed))
      assert.is(affected.includes(id), expected)
    }
    assert.equal(affected, [...affected].sort(), 'in order of their start')

    const options = resolveSupervisionOptions({
      maxRestarts: below(random, 4),
      withinMs: 100,
      backoff: { minMs: 10, factor: 2, jitter: 0 },
    })
    const past: Past[] = Array.from({ length: below(random, 6) }, () => ({ child: pick(random, children), atMs: below(random, 200) }))
    const restart = pick(random, ['permanent', 'transient', 'temporary'] as const)
    const how = pick(random, ['failed', 'done'] as const)
    const decision = decideFor({ id: failed, restart }, how, strategy, past, options, random(), 200)
    const inWindow = past.filter(({ atMs }) => atMs > 100)
    if (restart === 'temporary' || (how === 'done' && restart === 'transient')) assert.equal(decision, { type: 'stop' })
    else if (inWindow.length >= options.maxRestarts) assert.equal(decision, { type: 'escalate' })
    else {
      const own = strategy === 'one-for-one' ? inWindow.filter((restarted) => restarted.child === failed) : inWindow
      assert.equal(decision, { type: 'restart', delayMs: 10 * 2 ** own.length })
    }
  })
})

/** A child that tells when it runs; `boom` breaks it. Each life has an actor under one system id, a timer and a callback. */
function worker(id: string, running: Map<string, number>, told: (line: string) => void) {
  const src = fromCallback(() => {
    running.set(id, (running.get(id) ?? 0) + 1)
    told(`+${id}`)
    return () => {
      running.set(id, (running.get(id) ?? 0) - 1)
      told(`-${id}`)
    }
  })
  return createMachine({
    id: 'worker',
    types: {} as { context: { n: number }; events: { type: 'boom' } | { type: 'tick' } },
    context: { n: 0 },
    invoke: { src, systemId: 'only' },
    after: { 100_000: { actions: assign({ n: -1 }) } },
    on: {
      tick: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    },
  })
}

function randomTree(random: () => number, leaf: (id: string) => ReturnType<typeof child>, ids: string[], depth = 0): SupervisorSpec {
  const children = Array.from({ length: 1 + below(random, 3) }, () => {
    if (depth < 2 && random() < 0.35) return randomTree(random, leaf, ids, depth + 1)
    const id = `w${ids.length}`
    ids.push(id)
    return leaf(id)
  })
  const id = `s${ids.length}-${depth}-${below(random, 1_000_000)}`
  return { id, strategy: pick<Strategy>(random, STRATEGIES), maxRestarts: 2, withinMs: 200, backoff: { minMs: 10, jitter: 0.5 }, children }
}

test('trees under random failures: never two lives of one, no half-running tree at rest, nothing left at the end (seeded)', async () => {
  let gaveUp = 0
  let restarted = 0
  await forSeeds(120, async (random) => {
    const bench = await openBench({ random })
    const running = new Map<string, number>()
    const ids: string[] = []
    const leaf = (id: string) =>
      child(
        worker(id, running, () => assert.ok([0, 1].includes(running.get(id) ?? 0), `${id} twice`)),
        { id },
      )
    const ref = await bench.system.supervise(randomTree(random, leaf, ids))
    for (let i = 0; i < 25 && ref.status === 'running'; i++) {
      bench.system.send(pick(random, ids), { type: random() < 0.6 ? 'boom' : 'tick' })
      await bench.clock.advance(below(random, 120))
    }
    await bench.clock.advance(1000)
    const live = ids.filter((id) => running.get(id) === 1)
    if (ref.status === 'running') {
      restarted += ref.restarts
      assert.equal(live, ids)
      assert.equal([...bench.system.agents].sort(), [...ids].sort())
      assert.is(bench.clock.pending, ids.length, 'one timer each')
      await ref.stop()
    } else {
      gaveUp += 1
    }
    assert.equal(
      [...running.values()].filter((n) => n !== 0),
      [],
    )
    assert.equal([bench.system.agents, bench.system.trees(), bench.clock.pending], [[], [], 0])
    await bench.close()
  })
  assert.ok(gaveUp > 10 && restarted > 10, `both ends were seen: ${gaveUp} gave up, ${restarted} restarts`)
})

test.run()
