import { createSystem, type ActorSystem, type AgentRef, type Store } from '@stigmergy/core'
import { openGrid, type Grid } from '@stigmergy/grid'
import { createMemoryStore } from '@stigmergy/grid/store'
import { createActor, type Snapshot } from 'xstate'
import type { Contender } from '../compare.ts'
import { counter, nact, reaches, robot } from './machines.ts'

const AGENTS = 10_000
const heap = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
const us = (began: number, count: number): number => ((performance.now() - began) / count) * 1e3

async function spawned(count: number, store?: Store): Promise<{ system: ActorSystem; grid: Grid; agents: AgentRef<typeof counter>[] }> {
  const grid = await openGrid()
  const system = createSystem({ grid, ...(store && { store }) })
  const agents: AgentRef<typeof counter>[] = []
  for (let i = 0; i < count; i++) agents.push(await system.spawn(counter, { id: `a${i}` }))
  return { system, grid, agents }
}

async function oneEvent(agents: readonly AgentRef<typeof counter>[]): Promise<boolean> {
  for (const agent of agents) agent.send({ type: 'up' })
  return reaches(() => agents.every(({ snapshot }) => snapshot.context.n === 1))
}

/** Both numbers of one crowd: what it cost to make it, and what each weighs after one event. */
interface Crowd {
  readonly spawnUs: number
  readonly bytes: number
  readonly verified: boolean
}

async function ourCrowd(): Promise<Crowd> {
  const before = heap()
  const began = performance.now()
  const { system, grid, agents } = await spawned(AGENTS)
  const spawnUs = us(began, AGENTS)
  const verified = await oneEvent(agents)
  const bytes = (heap() - before) / AGENTS
  await system.close()
  await grid.close()
  return { spawnUs, bytes, verified }
}

async function xstateCrowd(): Promise<Crowd> {
  const before = heap()
  const began = performance.now()
  const actors = Array.from({ length: AGENTS }, () => createActor(counter).start())
  const spawnUs = us(began, AGENTS)
  for (const actor of actors) actor.send({ type: 'up' })
  const verified = actors.every((actor) => actor.getSnapshot().context.n === 1)
  return { spawnUs, bytes: (heap() - before) / AGENTS, verified }
}

async function nactCrowd(): Promise<Crowd> {
  const before = heap()
  const began = performance.now()
  const system = nact.start()
  let handled = 0
  const count = (state: number): number => {
    handled += 1
    return state + 1
  }
  const actors = Array.from({ length: AGENTS }, (_, i) => nact.spawn(system, count, `a${i}`, { initialState: 0 }))
  const spawnUs = us(began, AGENTS)
  for (const actor of actors) nact.dispatch(actor, { type: 'up' })
  const verified = await reaches(() => handled === AGENTS)
  const bytes = (heap() - before) / AGENTS
  nact.stop(system)
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
]

async function stopping(count: number): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const { system, grid } = await spawned(count)
  const began = performance.now()
  await system.close()
  const cost = us(began, count)
  const verified = system.agents.length === 0
  await grid.close()
  return { cost, verified }
}

/** Per agent: if it is linear, many cost what few cost. */
export const stops: readonly Contender[] = [
  { name: 'stop 10k', round: () => stopping(10_000) },
  { name: 'stop 1k', round: () => stopping(1000) },
]

/** A store that keeps what it is given, and counts it. */
function countingStore() {
  const inner = createMemoryStore()
  let commits = 0
  let bytes = 0
  const store: Store = {
    ...inner,
    commit: (id, rev, fence, value) => {
      commits += 1
      bytes = value.byteLength
      return inner.commit(id, rev, fence, value)
    },
  }
  return { store, commits: () => commits, bytes: () => bytes }
}

/** All that is stored of an agent, by an agent: taken, encoded, given to a store in memory. */
async function ourRecords(): Promise<{
  readonly saveUs: number
  readonly restoreUs: number
  readonly bytes: number
  readonly verified: boolean
}> {
  const grid = await openGrid()
  const { store, commits, bytes } = countingStore()
  const system = createSystem({ grid, store })
  const agents: AgentRef<typeof robot>[] = []
  // Nothing is written behind them: each stop is one whole checkpoint.
  const options = { durability: 'checkpoint', checkpoint: { transitions: 1e6, ms: 1e6 } } as const
  for (let i = 0; i < AGENTS; i++) agents.push(await system.spawn(robot, { id: `a${i}`, input: i, ...options }))
  for (const agent of agents) agent.send({ type: 'up' })
  let verified = await reaches(() => agents.every(({ snapshot }, i) => snapshot.context.count === i + 1))
  const before = commits()
  const began = performance.now()
  await Promise.all(agents.map((agent) => agent.stop()))
  const saveUs = us(began, AGENTS)
  verified &&= commits() - before === AGENTS
  const again = performance.now()
  const restored = await Promise.all(agents.map(({ id }) => system.spawn(robot, { id, input: 0, ...options })))
  const restoreUs = us(again, AGENTS)
  verified &&= restored.every(({ snapshot }, i) => snapshot.context.count === i + 1)
  await system.close()
  await grid.close()
  return { saveUs, restoreUs, bytes: bytes(), verified }
}

async function xstateRecords(): Promise<{
  readonly saveUs: number
  readonly restoreUs: number
  readonly bytes: number
  readonly verified: boolean
}> {
  const actors = Array.from({ length: AGENTS }, (_, input) => createActor(robot, { input }).start())
  for (const actor of actors) actor.send({ type: 'up' })
  const kept = new Map<number, string>()
  const began = performance.now()
  for (const [i, actor] of actors.entries()) kept.set(i, JSON.stringify(actor.getPersistedSnapshot()))
  const saveUs = us(began, AGENTS)
  const again = performance.now()
  const restored = actors.map((_, i) => {
    const snapshot = JSON.parse(kept.get(i) as string) as Snapshot<unknown>
    return createActor(robot, { input: 0, snapshot }).start()
  })
  const restoreUs = us(again, AGENTS)
  const verified = restored.every((actor, i) => actor.getSnapshot().context.count === i + 1)
  return { saveUs, restoreUs, bytes: kept.get(AGENTS - 1)?.length ?? 0, verified }
}

const records = (name: string, make: typeof ourRecords, of: 'saveUs' | 'restoreUs' | 'bytes'): Contender => ({
  name,
  async round() {
    const made = await make()
    return { cost: made[of], verified: made.verified }
  },
})

export const stores: readonly Contender[] = (['saveUs', 'restoreUs', 'bytes'] as const).flatMap((of) => [
  records(`${of} ours`, ourRecords, of),
  records(`${of} xstate`, xstateRecords, of),
])
