import { openGrid, type Clock, type Grid } from '@stigmergy/grid'
import type { ActorSystem } from '../actor-system.ts'
import type { Actuator } from '../durability/doer.ts'
import type { CoreHooks } from '../hooks.ts'
import { createSystem } from '../system.ts'
import type { CommitPoint, Disk } from './disk.ts'
import { createLifeLine, type LifeLine, type LifeLineOptions } from './life-line.ts'
import type { Random } from './random.ts'
import type { ReachedGrid, SharedGrid } from './shared-grid.ts'

/** A process of the simulation: a grid and a system of its own, over what all processes share. */
export interface SimulatedNode {
  readonly name: string
  readonly line: LifeLine
  readonly grid: Grid
  readonly reached: ReachedGrid
  readonly system: ActorSystem
  /** It dies when it next reaches this point. */
  dieAt(point: CommitPoint | undefined): void
}

export interface NodeOptions extends LifeLineOptions {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly shared: SharedGrid
  readonly actuators: Readonly<Record<string, Actuator>>
  readonly hooks: CoreHooks
  /** Asked at every point: true, and it dies there. @default it dies where `dieAt` said */
  readonly dies?: (point: CommitPoint) => boolean
  /** It has died at a point. */
  readonly died: (point: CommitPoint) => void
}

export async function startNode(options: NodeOptions): Promise<SimulatedNode> {
  const { name, clock, random, disk, shared, hooks, died } = options
  const line = createLifeLine(clock, options)
  let doom: CommitPoint | undefined
  const at = (point: CommitPoint): void => {
    if (line.state === 'dead' || !(options.dies?.(point) ?? doom === point)) return
    doom = undefined
    line.kill()
    died(point)
  }
  const reached = shared.reach(line)
  const grid = await openGrid(reached.backend, { id: name, clock: line.clock })
  const actuators = Object.fromEntries(
    Object.entries(options.actuators).map(([key, actuator]): [string, Actuator] => [key, guarded(actuator, line, at)]),
  )
  const system = createSystem({
    grid,
    store: disk.reach(line, at),
    storeTimeoutMs: 500,
    actuators,
    // Whatever grid the machine under test was written with, it is this process's that is looked at.
    maps: (map) => grid.map(map),
    random: () => random.next(),
    ids: () => name,
    wallNow: () => line.clock.wallNow(),
    hooks: { ...hooks, onCheckpoint: () => at('committed') },
  })
  return { name, line, grid, reached, system, dieAt: (point) => (doom = point) }
}

/** A command reaches the actuator only from a process that lives; the process may die before it does, or after. */
function guarded(actuator: Actuator, line: LifeLine, at: (point: CommitPoint) => void): Actuator {
  return (payload, info) => {
    at('before-effect')
    if (line.state === 'dead') return new Promise(() => {})
    const done = actuator(payload, info)
    at('after-effect')
    return done
  }
}
