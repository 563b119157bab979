import { createSystem, type ActorSystem, type AgentRef, type Store } from '@stigmergy/core'
import { openGrid, type Grid } from '@stigmergy/grid'
import { createMemoryStore, type Store as FullStore } from '@stigmergy/grid/store'
import { createActor, type Snapshot } from 'xstate'
import type { Contender } from '../compare.ts'
import { stopwatch } from './cost.ts'
import { reaches, robot } from './machines.ts'

const AGENTS = 10_000
/** Agents that are restored at a time. */
const TOGETHER = 200

/** What became of 10,000 agents that were stored, and came back. Costs per agent, in microseconds. */
interface Records {
  /** The state of all that live, taken, encoded and stored. */
  readonly checkpoint: number
  /** Bytes of a state. */
  readonly payload: number
  /** All of them come back, and each has handled one event. */
  readonly restore: number
  /** All of them come back. */
  readonly asleep: number
  readonly verified: boolean
}

/** A store that keeps what it is given, and counts it. */
function countingStore(): { readonly store: Store; commits(): number; bytes(): number } {
  const inner = createMemoryStore()
  let commits = 0
  let bytes = 0
  const count = ({ byteLength }: Uint8Array): void => {
    commits += 1
    bytes += byteLength
  }
  const store: FullStore = {
    ...inner,
    commit(id, rev, fence, value) {
      count(value)
      return inner.commit(id, rev, fence, value)
    },
    commitAll(all) {
      for (const { value } of all) count(value)
      return inner.commitAll(all)
    },
  }
  return { store, commits: () => commits, bytes: () => bytes }
}

// Nothing is written behind them: what is measured is the one checkpoint.
const options = { durability: 'checkpoint', checkpoint: { transitions: 1e6, ms: 1e6 } } as const

async function spawnAll(system: ActorSystem): Promise<readonly AgentRef<typeof robot>[]> {
  const agents: AgentRef<typeof robot>[] = []
  for (let at = 0; at < AGENTS; at += TOGETHER) {
    const some = Array.from({ length: TOGETHER }, (_, i) => system.spawn(robot, { id: `a${at + i}`, input: at + i, ...options }))
    agents.push(...(await Promise.all(some)))
  }
  return agents
}

async function oneEvent(agents: readonly AgentRef<typeof robot>[], before: number): Promise<boolean> {
  for (const agent of agents) agent.send({ type: 'up' })
  return reaches(() => agents.every(({ snapshot }, i) => snapshot.context.count === i + before + 1))
}

async function ours(): Promise<Records> {
  const grid: Grid = await openGrid()
  const { store, commits, bytes } = countingStore()
  const first = createSystem({ grid, store })
  let verified = await oneEvent(await spawnAll(first), 0)
  const [commitsBefore, bytesBefore] = [commits(), bytes()]
  globalThis.gc?.()
  const saving = stopwatch()
  const stored = await first.checkpoint()
  const checkpoint = saving() / AGENTS
  verified &&= stored === AGENTS && commits() - commitsBefore === AGENTS
  const payload = (bytes() - bytesBefore) / AGENTS
  await first.close()
  const system = createSystem({ grid, store })
  globalThis.gc?.()
  const restoring = stopwatch()
  const agents = await spawnAll(system)
  const asleep = restoring() / AGENTS
  verified &&= agents.every((agent) => agent.asleep)
  verified = (await oneEvent(agents, 1)) && verified
  const restore = restoring() / AGENTS
  await system.close()
  await grid.close()
  return { checkpoint, payload, restore, asleep, verified }
}

async function xstate(): Promise<Records> {
  const actors = Array.from({ length: AGENTS }, (_, input) => createActor(robot, { input }).start())
  for (const actor of actors) actor.send({ type: 'up' })
  const kept = new Map<number, string>()
  globalThis.gc?.()
  const saving = stopwatch()
  for (const [i, actor] of actors.entries()) kept.set(i, JSON.stringify(actor.getPersistedSnapshot()))
  const checkpoint = saving() / AGENTS
  const payload = [...kept.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0) / AGENTS
  globalThis.gc?.()
  const restoring = stopwatch()
  const restored = actors.map((_, i) => {
    const snapshot = JSON.parse(kept.get(i) as string) as Snapshot<unknown>
    return createActor(robot, { input: 0, snapshot }).start()
  })
  const asleep = restoring() / AGENTS
  for (const actor of restored) actor.send({ type: 'up' })
  const verified = restored.every((actor, i) => actor.getSnapshot().context.count === i + 2)
  return { checkpoint, payload, restore: restoring() / AGENTS, asleep, verified }
}

const of = (part: Exclude<keyof Records, 'verified'>): readonly Contender[] =>
  Object.entries({ ours, xstate }).map(([who, make]) => ({
    name: `${part} ${who}`,
    async round() {
      const made = await make()
      return { cost: made[part], verified: made.verified }
    },
  }))

export const checkpoints = of('checkpoint')
export const payloads = of('payload')
export const restores = of('restore')
export const asleeps = of('asleep')
