import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assign, createActor, createMachine, emit, fromCallback, raise, sendParent, sendTo, setup, type AnyStateMachine } from 'xstate'
import { createSystem, memoryStore, type Durability } from '../src/index.ts'
import { forSeeds, randomOf } from './seeds.ts'

/** Machines made by chance, run by XState's own actor and by an agent: states, contexts and effects must be the same, in the same order. */
const test = suite('as XState runs it')

type Random = () => number

const KINDS = ['a', 'b', 'c', 'd']

function generate(random: Random, log: string[], echo: boolean): AnyStateMachine {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  // Else most of them would answer themselves for ever.
  let answers = 40
  const mayAnswer = (): boolean => {
    answers -= 1
    return answers > 0
  }
  const child = createMachine({
    id: 'kid',
    entry: () => log.push('kid enters'),
    on: {
      ping: [
        { guard: mayAnswer, actions: [() => log.push('kid pinged'), sendParent({ type: pick(KINDS) })] },
        { actions: () => log.push('kid is tired') },
      ],
    },
  })
  const device = fromCallback(({ receive, sendBack }) => {
    log.push('device begins')
    receive((event) => {
      log.push(`device has ${event.type}`)
      if (event.type === 'echo' && mayAnswer()) sendBack({ type: 'b' })
    })
    return () => log.push('device ends')
  })
  const names = ['s0', 's1', 's2', 's3']
  const action = (): unknown => {
    const n = Math.floor(random() * 1000)
    return pick<() => unknown>([
      () => () => log.push(`action ${n}`),
      () => assign({ n: ({ context }: { context: { n: number } }) => (context.n * 31 + n) % 10_007 }),
      () => emit({ type: `emitted ${n}` }),
      () => raise({ type: pick(KINDS) }, { delay: 1 + Math.floor(random() * 50) }),
      () => sendTo('kid', { type: 'ping' }),
      () => sendTo('device', { type: pick(echo ? ['poke', 'echo'] : ['poke']) }),
      () => ({ type: 'named' }),
    ])()
  }
  const actions = (): unknown[] => Array.from({ length: Math.floor(random() * 3) }, action)
  const on = (): Record<string, unknown> =>
    Object.fromEntries(
      KINDS.filter(() => random() < 0.6).map((kind) => [
        kind,
        {
          ...(random() < 0.7 && { target: `.${pick(names)}`, reenter: random() < 0.3 }),
          actions: actions(),
          ...(random() < 0.2 && { guard: ({ context }: { context: { n: number } }) => context.n % 2 === 0 }),
        },
      ]),
    )
  return setup({ actors: { child, device }, actions: { named: () => log.push('named') } }).createMachine({
    id: 'm',
    context: { n: 1 },
    initial: 's0',
    invoke: [
      { id: 'kid', src: 'child' },
      { id: 'device', src: 'device' },
    ],
    on: on(),
    states: Object.fromEntries(
      names.map((name) => [
        name,
        {
          tags: [name],
          entry: actions(),
          exit: actions(),
          ...(random() < 0.4 && { after: { [1 + Math.floor(random() * 40)]: { target: `#m.${pick(names)}`, actions: actions() } } }),
          ...(random() < 0.3 && { invoke: { id: `inner-${name}`, src: 'device' } }),
        },
      ]),
    ),
  } as never) as unknown as AnyStateMachine
}

/** A few thousand events of it, and the time between them. */
function* script(random: Random): Iterable<string | number> {
  for (let i = 0; i < 60; i++) yield random() < 0.3 ? Math.floor(random() * 30) : (KINDS[Math.floor(random() * KINDS.length)] as string)
}

async function plain(seed: number, echo: boolean): Promise<readonly string[]> {
  const log: string[] = []
  const random = randomOf(seed)
  const machine = generate(random, log, echo)
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
  const machine = generate(random, log, echo)
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
