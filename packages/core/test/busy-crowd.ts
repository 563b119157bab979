import type { Clock, Grid } from '@stigmergy/grid'
import { assign, createMachine } from 'xstate'
import { createSystem, type AgentRef, type Store } from '../src/index.ts'

export interface CrowdOptions {
  readonly grid: Grid
  readonly store: Store
  readonly agents: number
  /** Events per second and agent. */
  readonly perSecond: number
  readonly seconds: number
  /** Lets time pass until a moment of the grid's clock. */
  readonly until: (atMs: number) => Promise<unknown>
}

export interface CrowdReport {
  readonly sent: number
  readonly handled: number
  readonly checkpoints: number
  /** Checkpoints of the agent that had the fewest. */
  readonly fewest: number
  /** How long events waited in a mailbox, in milliseconds: of one in 101. */
  readonly waits: readonly number[]
  /** Cores that this takes: time of the processors for a second's events. */
  readonly cores: number
  /** Time on the clock: more than asked for, if the machine was too busy to keep up. */
  readonly tookMs: number
}

/** Time between two handfuls of events. */
const TICK_MS = 10
const SAMPLE = 101
const DRAIN_MS = 30_000

const context = { n: 0, part: 'part-7', position: { x: 1.25, y: 0.5, z: 0 }, owner: 'robot-7 in cell seven of hall two' }

/** Counts; an event that says when it was sent says how long it waited. */
function counterOf(clock: Clock, waits: number[]) {
  return createMachine({
    id: 'busy',
    types: {} as { context: typeof context; events: { type: 'up'; atMs?: number } },
    context,
    on: {
      up: {
        actions: [
          assign({ n: ({ context: { n } }) => n + 1 }),
          ({ event }) => {
            if (event.atMs !== undefined) waits.push(clock.now() - event.atMs)
          },
        ],
      },
    },
  })
}

/** Many agents with a few events each, every one stored once in a second. */
export async function busyCrowd({ grid, store, agents: count, perSecond, seconds, until }: CrowdOptions): Promise<CrowdReport> {
  const { clock } = grid
  const waits: number[] = []
  const stored = new Map<string, number>()
  const onCheckpoint = ({ id }: { readonly id: string }): void => void stored.set(id, (stored.get(id) ?? 0) + 1)
  const system = createSystem({ grid, store })
  const machine = counterOf(clock, waits)
  const agents: AgentRef<typeof machine>[] = []
  for (let i = 0; i < count; i++) {
    const id = `a${i}`
    agents.push(await system.spawn(machine, { id, durability: 'checkpoint', checkpoint: { transitions: 1_000_000, ms: 1000 } }))
  }
  system.use({ onCheckpoint })
  const perTick = (count * perSecond * TICK_MS) / 1000
  const ticks = (seconds * 1000) / TICK_MS
  let sent = 0
  const before = process.cpuUsage()
  const beganAtMs = clock.now()
  for (let tick = 1; tick <= ticks; tick++) {
    for (const due = Math.round(tick * perTick); sent < due; sent++) {
      agents[sent % count]?.send(sent % SAMPLE === 0 ? { type: 'up', atMs: clock.now() } : { type: 'up' })
    }
    await until(beganAtMs + tick * TICK_MS)
  }
  // What was sent last may wait still.
  const lastAtMs = clock.now() + DRAIN_MS
  while (clock.now() < lastAtMs && agents.some(({ mailbox }) => mailbox.waiting > 0)) await until(clock.now() + TICK_MS)
  const { user, system: kernel } = process.cpuUsage(before)
  const cores = (user + kernel) / 1e6 / seconds
  const tookMs = clock.now() - beganAtMs
  await system.close()
  const handled = agents.reduce((sum, { snapshot }) => sum + snapshot.context.n, 0)
  const all = agents.map(({ id }) => stored.get(id) ?? 0)
  return { sent, handled, checkpoints: all.reduce((a, b) => a + b, 0), fewest: Math.min(...all), waits, cores, tookMs }
}
