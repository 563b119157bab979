import { createSystem, type ActorSystem, type AgentRef, type SpawnOptions } from '@stigmergy/core'
import { openGrid, type Grid } from '@stigmergy/grid'
import { createMemoryStore } from '@stigmergy/grid/store'
import { createActor, createMachine } from 'xstate'
import type { Contender } from '../compare.ts'
import { stopwatch } from './cost.ts'
import { counter, nact, reaches, turn } from './machines.ts'

const AGENTS = 10_000
const heap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

interface Spawned {
  readonly system: ActorSystem
  readonly grid: Grid
  readonly agents: readonly AgentRef<typeof counter>[]
}

async function spawned(count: number, options: SpawnOptions<typeof counter> = {}): Promise<Spawned> {
  const grid = await openGrid()
  const system = createSystem({ grid, store: createMemoryStore() })
  const agents: AgentRef<typeof counter>[] = []
  for (let i = 0; i < count; i++) agents.push(await system.spawn(counter, { id: `a${i}`, ...options }))
  return { system, grid, agents }
}

async function oneEvent(agents: readonly AgentRef<typeof counter>[]): Promise<boolean> {
  for (const agent of agents) agent.send({ type: 'up' })
  return reaches(() => agents.every(({ snapshot }) => snapshot.context.n === 1))
}

/** Both numbers of one crowd, after each of it has handled one event: what it cost to make it, and what each weighs. */
interface Crowd {
  readonly spawnUs: number
  readonly bytes: number
  readonly verified: boolean
}

async function ourCrowd(): Promise<Crowd> {
  const before = heap()
  const costs = stopwatch()
  const { system, grid, agents } = await spawned(AGENTS)
  const verified = await oneEvent(agents)
  const spawnUs = costs() / AGENTS
  const bytes = (heap() - before) / agents.length
  await system.close()
  await grid.close()
  return { spawnUs, bytes, verified }
}

async function xstateCrowd(): Promise<Crowd> {
  const before = heap()
  const costs = stopwatch()
  const actors = Array.from({ length: AGENTS }, () => createActor(counter).start())
  for (const actor of actors) actor.send({ type: 'up' })
  const verified = actors.every((actor) => actor.getSnapshot().context.n === 1)
  const spawnUs = costs() / AGENTS
  const bytes = (heap() - before) / AGENTS
  // Used once more, so that they are all there when they are weighed.
  for (const actor of actors) actor.stop()
  return { spawnUs, bytes, verified }
}

async function nactCrowd(): Promise<Crowd> {
  const before = heap()
  const costs = stopwatch()
  const system = nact.start()
  let handled = 0
  const count = (state: number): number => {
    handled += 1
    return state + 1
  }
  const actors = Array.from({ length: AGENTS }, (_, i) => nact.spawn(system, count, `a${i}`, { initialState: 0 }))
  for (const actor of actors) nact.dispatch(actor, { type: 'up' })
  const verified = await reaches(() => handled === AGENTS)
  const spawnUs = costs() / AGENTS
  const bytes = (heap() - before) / actors.length
  nact.stop(system)
  return { spawnUs, bytes, verified }
}

/** What an agent weighs that sleeps, its stored state among it: in a store in memory, which holds it once more. */
async function sleepingCrowd(): Promise<Crowd> {
  const before = heap()
  const costs = stopwatch()
  const { system, grid, agents } = await spawned(AGENTS, { durability: 'checkpoint' })
  let verified = await oneEvent(agents)
  for (const agent of agents) verified = (await agent.evict()) && verified
  const spawnUs = costs() / AGENTS
  // The last ones still stand in line for a turn, until the event loop has its own.
  await turn()
  const bytes = (heap() - before) / agents.length
  verified &&= agents.every(({ asleep }) => asleep)
  await system.close()
  await grid.close()
  return { spawnUs, bytes, verified }
}

const crowd = (name: string, make: () => Promise<Crowd>, of: 'spawnUs' | 'bytes'): Contender => ({
  name,
  async round() {
    const made = await make()
    return { cost: made[of], verified: made.verified }
  },
})

export const spawns: readonly Contender[] = [
  crowd('spawn ours', ourCrowd, 'spawnUs'),
  crowd('spawn xstate', xstateCrowd, 'spawnUs'),
  crowd('spawn nact', nactCrowd, 'spawnUs'),
]
export const weights: readonly Contender[] = [
  crowd('bytes ours', ourCrowd, 'bytes'),
  crowd('bytes xstate', xstateCrowd, 'bytes'),
  crowd('bytes nact', nactCrowd, 'bytes'),
  crowd('bytes asleep', sleepingCrowd, 'bytes'),
]

/** Stops 10,000 agents, in systems of so many. */
async function stopping(count: number): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const systems: Spawned[] = []
  for (let made = 0; made < AGENTS; made += count) systems.push(await spawned(count))
  globalThis.gc?.()
  const costs = stopwatch()
  for (const { system } of systems) await system.close()
  const cost = costs() / AGENTS
  const verified = systems.every(({ system, agents }) => system.agents.length === 0 && agents.every(({ status }) => status === 'stopped'))
  for (const { grid } of systems) await grid.close()
  return { cost, verified }
}

/** A parent of so many children, stopped. Its children are told by XState one by one, and each time it copies what is left of them. */
async function stoppingXstate(count: number): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const kid = createMachine({})
  const ids = Array.from({ length: count }, (_, i) => `a${i}`)
  const parent = createMachine({ invoke: ids.map((id) => ({ id, src: kid })) })
  const actor = createActor(parent).start()
  const { children } = actor.getSnapshot()
  const costs = stopwatch()
  actor.stop()
  const cost = costs() / count
  const verified = ids.every(
    (id) => (children as Record<string, { getSnapshot(): { status: string } }>)[id]?.getSnapshot().status === 'stopped',
  )
  return { cost, verified }
}

/** Per agent: if it is linear, many cost what few cost. */
export const stops: readonly Contender[] = [
  { name: 'stop 10k', round: () => stopping(10_000) },
  { name: 'stop 1k', round: () => stopping(1000) },
  { name: 'stop xstate 1k', round: () => stoppingXstate(1000) },
]
