// What leaves a gated agent has a committed state behind it. Its arm jams, the program ends, and the next run of the program
// finishes what the state on disk says was begun: one pick, not none and not two.
import { command, createSystem, SeenEffects, type CommandInfo } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assign, setup } from 'xstate'

const robot = setup({
  types: { context: {} as { picks: number }, events: {} as { type: 'pick'; part: string } },
}).createMachine({
  id: 'robot',
  context: { picks: 0 },
  on: {
    pick: {
      actions: [
        assign({ picks: ({ context }) => context.picks + 1 }),
        command('arm', ({ event }) => ({ take: event.part })), // data: stored with the state that caused it
      ],
    },
  },
})

const path = await mkdtemp(join(tmpdir(), 'gated-'))
const seen = new SeenEffects() // kept by the arm: it tells a repeat, and what a replaced agent still sends
const done: string[] = []
let picked = (): void => {}
const firstPick = new Promise<void>((resolve) => (picked = resolve))

/** One run of the program. The arm answers, or is jammed. */
async function run(jammed: boolean, work: (r1: Awaited<ReturnType<typeof spawn>>) => Promise<void>): Promise<void> {
  const durable = await openDurable({ path })
  const grid = await openGrid()
  const arm = (payload: unknown, { origin }: CommandInfo): void => {
    if (jammed) throw new Error('the arm is jammed')
    if (origin !== undefined && seen.take(origin) !== 'new') return
    done.push(JSON.stringify(payload))
    picked()
  }
  const system = createSystem({ grid, store: durable.store, actuators: { arm } })
  await work(await spawn(system))
  await system.close()
  await grid.close()
  await durable.close()
}
const spawn = (system: ReturnType<typeof createSystem>) => system.spawn(robot, { id: 'r1', durability: 'gated' })

await run(true, async (r1) => {
  r1.send({ type: 'pick', part: 'p1' })
  await r1.checkpoint()
  console.log(`${r1.snapshot.context.picks} picked in mind, ${done.length} by the arm`) // → 1 picked in mind, 0 by the arm
})
await run(false, async (r1) => {
  await firstPick
  console.log(`${r1.snapshot.context.picks} picked in mind, by the arm: ${done.join()}`) // → 1 picked in mind, by the arm: {"take":"p1"}
})
await rm(path, { recursive: true })
