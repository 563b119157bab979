import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createActor } from 'xstate'
import { createSystem, memoryStore, type Durability } from '../src/index.ts'
import { generate, script } from './random-machine.ts'
import { forSeeds, randomOf } from './seeds.ts'

/** Machines made by chance, run by XState's own actor and by an agent: states, contexts and effects must be the same, in the same order. */
const test = suite('as XState runs it')

async function plain(seed: number, echo: boolean): Promise<readonly string[]> {
  const log: string[] = []
  const random = randomOf(seed)
  const machine = generate(random, log, { echo })
  const clock = createVirtualClock()
  const actor = createActor(machine, { clock: clock as never })
  actor.on('*', (event) => log.push(event.type))
  actor.subscribe({ error: (error) => log.push(String(error)) })
  actor.start()
  for (const step of script(random)) {
    if (typeof step === 'number') await clock.advance(step)
    else {
      actor.send({ type: step })
      await clock.advance(0)
    }
    log.push(`= ${JSON.stringify(actor.getSnapshot().value)} ${actor.getSnapshot().context.n}`)
  }
  return log
}

async function agent(seed: number, durability: Durability, echo: boolean): Promise<readonly string[]> {
  const log: string[] = []
  const random = randomOf(seed)
  const machine = generate(random, log, { echo })
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, store: memoryStore() })
  const ref = await system.spawn(machine, { id: 'x', durability }).catch(() => undefined)
  if (ref === undefined) {
    await grid.close()
    return []
  }
  ref.on('*', (event: { type: string }) => log.push(event.type))
  for (const step of script(random)) {
    if (typeof step === 'number') await clock.advance(step)
    else {
      ref.send({ type: step })
      await clock.advance(0)
    }
    const { value, context } = ref.snapshot as { value: unknown; context: { n: number } }
    log.push(`= ${JSON.stringify(value)} ${context.n}`)
  }
  const full = [...log]
  await system.close()
  await grid.close()
  return full
}

/** Up to the step that fails, if one does: XState's actor ends there, with half of its actions done; an agent does none of them and is restarted. */
function untilError(ours: readonly string[], theirs: readonly string[]): readonly [readonly string[], readonly string[]] {
  const failed = theirs.findIndex((line) => line.startsWith('Error'))
  if (failed === -1) return [ours, theirs]
  const end = theirs.slice(0, failed).findLastIndex((line) => line.startsWith('='))
  return [ours.slice(0, end + 1), theirs.slice(0, end + 1)]
}

// Nobody can listen to an agent before its first step: what that emits is heard by XState's observer alone.
const comparable = (log: readonly string[]): readonly string[] => {
  const first = log.findIndex((line) => line.startsWith('='))
  return log.filter((line, at) => at >= first || !line.startsWith('emitted'))
}

test('an agent without a store does what XState does, in the same order', async () => {
  let lines = 0
  await forSeeds(40, async (_random, seed) => {
    const [ours, theirs] = untilError(comparable(await agent(seed, 'none', true)), comparable(await plain(seed, true)))
    lines += ours.length
    assert.equal(ours, theirs)
  })
  assert.ok(lines > 2000 || process.env['SEED'] !== undefined, `only ${lines} lines were compared`)
})

// What a device answers comes later, since it is asked later: so it is silent here.
test('a gated agent goes through the same states, and has the same effects', () =>
  forSeeds(40, async (_random, seed) => {
    const states = (log: readonly string[]): readonly string[] => log.filter((line) => line.startsWith('='))
    const [ours, theirs] = untilError(comparable(await agent(seed, 'gated', false)), comparable(await plain(seed, false)))
    assert.equal(states(ours), states(theirs))
    assert.equal(ours.toSorted(), theirs.toSorted())
  }))

test.run()
