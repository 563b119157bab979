import { createVirtualClock, openGrid, type VirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSystem, memoryStore, type AgentRef, type Durability } from '../src/index.ts'
import { generate, script } from './random-machine.ts'
import { below, forSeeds, randomOf } from './seeds.ts'
import type { AnyStateMachine } from 'xstate'

/** Machines made by chance, as agents that are sent to sleep at any moment: nothing of what can be seen of them may differ. */
const test = suite('asleep or awake')

interface Seen {
  readonly log: readonly string[]
  readonly slept: number
  readonly asked: number
}

/** `evicts`: whether it is sent to sleep before the next event. */
async function run(seed: number, durability: Durability, children: boolean, evicts: () => boolean): Promise<Seen> {
  const log: string[] = []
  const random = randomOf(seed)
  const machine = generate(random, log, { echo: false, children })
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const system = createSystem({
    grid,
    store: memoryStore(),
    random: () => 0,
    hooks: {
      onTransitionEnd: ({ event, from, to, trace, error }) =>
        void log.push(`${event}: ${from} -> ${to} by ${trace?.spanId ?? 'nobody'} ${error === undefined ? '' : 'failed'}`),
      onSpawn: ({ id }) => void log.push(`spawn ${id}`),
      onRestart: (_agent, restarts, from) => void log.push(`restart ${restarts} from ${from}`),
      onFailure: ({ event, decision }) => void log.push(`failure on ${event}: ${decision.type}`),
      onDeadLetter: ({ event, reason }) => void log.push(`dead ${event.type} ${reason}`),
      onStop: ({ id }, reason) => void log.push(`stop ${id} ${reason}`),
    },
  })
  const ref = await system.spawn(machine, { id: 'x', durability }).catch(() => undefined)
  let slept = 0
  let asked = 0
  if (ref !== undefined) {
    ref.on('*', (event: { type: string }) => log.push(event.type))
    ref.subscribe(({ value }: { value: unknown }) => log.push(`told ${JSON.stringify(value)}`))
    for (const step of script(random)) {
      if (evicts()) {
        asked += 1
        if (await ref.evict()) slept += 1
      }
      await act(ref, clock, step, log)
    }
    log.push(JSON.stringify((ref.snapshot as { context: unknown }).context))
    await system.close()
    log.push(ref.status)
  }
  await grid.close()
  return { log, slept, asked }
}

let sent = 0
async function act(ref: AgentRef<AnyStateMachine>, clock: VirtualClock, step: string | number, log: string[]): Promise<void> {
  if (typeof step === 'number') await clock.advance(step)
  else {
    const spanId = String((sent = (sent + 1) % 1e6)).padStart(16, '0')
    ref.send({ type: step }, { trace: { traceId: spanId.repeat(2), spanId, traceFlags: 1 } })
    await clock.advance(0)
  }
  // Not each time: to look at it wakes it.
  if (log.length % 3 === 0) log.push(`= ${JSON.stringify((ref.snapshot as { value: unknown }).value)}`)
}

for (const durability of ['checkpoint', 'gated'] as const) {
  for (const children of [false, true]) {
    test(`a ${durability} agent ${children ? 'with' : 'without'} children that is evicted at random (seeded)`, async () => {
      let slept = 0
      let asked = 0
      let lines = 0
      await forSeeds(30, async (random, seed) => {
        sent = 0
        const awake = await run(seed, durability, children, () => false)
        sent = 0
        const asleep = await run(seed, durability, children, () => below(random, 3) > 0)
        assert.equal(asleep.log, awake.log)
        slept += asleep.slept
        asked += asleep.asked
        lines += awake.log.length
      })
      if (process.env['SEED'] !== undefined) return
      assert.ok(lines > 1000, `only ${lines} lines were compared`)
      // Children live in memory alone: an agent with one stays awake.
      if (children) assert.is(slept, 0)
      else assert.ok(slept > asked / 4, `it slept only ${slept} of ${asked} times`)
    })
  }
}

test.run()
