import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Completeness } from '../../src/hazelcast/completeness.ts'
import { OwnWrites } from '../../src/hazelcast/own-writes.ts'
import { Repairs } from '../../src/hazelcast/repairs.ts'
import { createRandom } from '../random.ts'
import { EchoWorld, type WorldOptions } from './echo-world.ts'

const test = suite('hazelcast: the age bound')
const SEEDS = [1, 2, 3, 4, 5]

interface Run {
  readonly lies: number
  readonly commits: number
  readonly bounds: readonly number[]
  readonly repairs: number
}

/** A second of writes, with rotating and write-once keys; the truth is looked at every 3 ms. */
async function run(
  seed: number,
  options: Omit<WorldOptions, 'random' | 'processes'>,
  disturb: (world: EchoWorld, ms: number) => void = () => {},
): Promise<Run> {
  const random = createRandom(seed)
  const world = new EchoWorld({ processes: 3, random, ...options })
  world.start()
  let lies = 0
  const bounds: number[] = []
  for (let ms = 0; ms < 1000; ms++) {
    for (const process of world.processes) if (random() < 0.3) process.write(random() < 0.5 ? `once${ms}` : `k${Math.floor(random() * 20)}`)
    disturb(world, ms)
    await world.clock.advance(1)
    if (ms % 3 !== 0) continue
    lies += world.lies().length
    if (ms > 100) bounds.push(...world.processes.map(({ completeness }) => world.clock.now() - completeness.completeAtMs))
  }
  for (let ms = 0; ms < 500; ms += 10) await world.clock.advance(10)
  lies += world.lies().length
  // In the end nothing is missing anywhere, and everybody knows it.
  for (const { copy, completeness } of world.processes) {
    if (options.bug === undefined) {
      assert.equal(new Map([...copy].toSorted()), new Map([...world.present].toSorted()), `seed ${seed}`)
      assert.ok(world.clock.now() - completeness.completeAtMs < 60, `seed ${seed}: ${world.clock.now() - completeness.completeAtMs}`)
    }
  }
  world.stop()
  const repairs = world.processes.reduce((sum, one) => sum + one.repairs, 0)
  return { lies, commits: world.commits.length, bounds: bounds.toSorted((a, b) => a - b), repairs }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? NaN
}

test('is never below the truth, and small, where nothing is lost', async () => {
  for (const seed of SEEDS) {
    const { lies, bounds, commits } = await run(seed, { loss: 0 })
    assert.is(lies, 0, `seed ${seed}`)
    assert.ok(commits > 500)
    assert.ok(quantile(bounds, 0.5) < 30, `seed ${seed}: p50 ${quantile(bounds, 0.5)}`)
  }
})

test('is never below the truth where changes are lost, and every loss is found by its number', async () => {
  for (const seed of SEEDS) {
    const { lies, repairs } = await run(seed, { loss: 0.02 })
    assert.is(lies, 0, `seed ${seed}`)
    assert.ok(repairs > 0)
  }
})

test('is not held up by writes that fail', async () => {
  for (const seed of SEEDS) {
    const { lies, bounds } = await run(seed, { loss: 0, failing: 0.2 })
    assert.is(lies, 0, `seed ${seed}`)
    assert.ok(quantile(bounds, 0.9) < 60, `seed ${seed}: p90 ${quantile(bounds, 0.9)}`)
  }
})

test('grows while a listener is lost, and no key stays wrong', async () => {
  const { lies, bounds } = await run(7, { loss: 0 }, (world, ms) => {
    const [first] = world.processes
    if (first !== undefined) first.deaf = ms > 300 && ms < 500
  })
  assert.is(lies, 0)
  assert.ok((bounds.at(-1) ?? 0) > 30)
})

test('a planted bug is caught: beats that carry the highest number without holes', async () => {
  let lies = 0
  for (const seed of SEEDS) lies += (await run(seed, { loss: 0.02, bug: (said) => ({ ...said, n: said.ended }) })).lies
  assert.ok(lies > 0, 'this world must be able to catch a bound that lies')
})

test('a silent process is left out after a load, and heard again when it speaks', async () => {
  const world = new EchoWorld({ processes: 3, random: createRandom(3), loss: 0 })
  world.start()
  await world.clock.advance(200)
  const [quiet, ...others] = world.processes
  quiet?.write('last')
  await world.clock.advance(1)
  quiet?.pulse.stop()
  await world.clock.advance(1000)
  for (const { completeness } of others) assert.ok(world.clock.now() - completeness.completeAtMs > 900, 'nobody knows what it wrote since')
  await world.clock.advance(3000)
  for (const { completeness, copy } of others) {
    assert.ok(world.clock.now() - completeness.completeAtMs < 60)
    assert.ok(copy.has('last'))
  }
  quiet?.pulse.start()
  await world.clock.advance(100)
  for (const { completeness } of world.processes) {
    assert.ok(completeness.has('p0'))
    assert.ok(world.clock.now() - completeness.completeAtMs < 60)
  }
  const ending = quiet?.pulse.end()
  await world.clock.advance(100)
  await ending
  for (const { completeness } of others) assert.not(completeness.has('p0'))
  world.stop()
})

test('a copy that was not loaded yet asks for nothing: the first load brings it all', () => {
  const completeness = new Completeness(30)
  const asked: string[] = []
  const copy = { readKeys: async (keys: readonly string[]) => void asked.push(...keys), load: async () => void asked.push('all') }
  const changes = { done: () => {} }
  const repairs = new Repairs({ session: 'me', own: new OwnWrites(), completeness, changes, copy })
  completeness.claim('other', { n: 3, echoOfMs: 0, heardAtMs: 0 })
  repairs.named('other', { n: 3, ended: 3, voids: [], named: [[1, 'k']], floor: 2 })
  assert.is(repairs.tick(1000).size, 0)
  assert.equal(asked, [])
  completeness.loaded(1000)
  assert.equal([...repairs.tick(1000)], [['other', [1, 2, 3]]])
  repairs.named('other', { n: 3, ended: 3, voids: [], named: [[1, 'k']], floor: 0 })
  assert.equal(asked, ['k'])
})

test('while nothing is listened to, numbers prove nothing; a load ends that', () => {
  const completeness = new Completeness(30)
  assert.is(completeness.completeAtMs, -Infinity)
  completeness.loaded(10)
  completeness.claim('me', { n: 0, echoOfMs: 20, heardAtMs: 21 })
  assert.is(completeness.completeAtMs, 20)
  completeness.lost()
  completeness.claim('me', { n: 0, echoOfMs: 30, heardAtMs: 31 })
  assert.is(completeness.completeAtMs, 20)
  completeness.loaded(25)
  assert.is(completeness.completeAtMs, 30)
})

test.run()
