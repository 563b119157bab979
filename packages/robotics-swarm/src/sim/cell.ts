import type { ActorSystem, AgentRef } from '@stigmergy/core'
import { type Camera, createCamera } from '../camera.ts'
import { openCellMaps } from '../cell-maps.ts'
import type { PlannerMachine } from '../planner.ts'
import type { RobotArm } from '../robot-arm.ts'
import type { RobotMachine, RobotStep } from '../robot.ts'
import { createVisionMachine, type VisionMachine } from '../vision.ts'
import type { CellLayout } from './layout.ts'
import { startPlanner } from './start-planner.ts'
import { startRobots } from './start-robots.ts'
import { createWrites, type Writes } from './writes.ts'

/** A running cell: one camera, one planner, robots along the belt, all agents of one system sharing its grid. */
export interface Cell {
  /** Show parts here: `camera.show('p1', belt.counts(), undefined)`. */
  readonly camera: Camera
  readonly vision: AgentRef<VisionMachine>
  readonly planner: AgentRef<PlannerMachine>
  readonly robots: readonly AgentRef<RobotMachine>[]
  readonly arms: readonly RobotArm[]
  readonly writes: Writes
  close(): void
}

export interface CellOptions {
  readonly system: ActorSystem
  readonly layout: CellLayout
  /** Draws the time of one pick and place of a robot, in milliseconds. */
  readonly pickTimeMs: (robot: number) => number
  /** Told for each claim that was committed: from the moment the part was within reach. */
  readonly onAssigned?: (latencyMs: number) => void
  /** Told before and after the effects of each robot transition. Fault injection throws here. */
  readonly onRobotStep?: (robot: string, step: RobotStep, when: 'begin' | 'end') => void
  /** Told before what the planner does. Fault injection throws here. */
  readonly onPlannerStep?: (step: 'follow' | 'claim' | 'pass-on' | 'miss') => void
  /** Told before a part is put. Fault injection throws here. */
  readonly onVisionStep?: (part: string) => void
}

/** Starts the agents of a cell. Stop them by closing the system. */
export async function startCell(options: CellOptions): Promise<Cell> {
  const { system, layout, pickTimeMs } = options
  const { robotIds } = layout
  const maps = openCellMaps(system.grid)
  const writes = createWrites()
  const started: { vision?: AgentRef<VisionMachine> } = {}
  const camera = createCamera(() => started.vision)

  const { planner, windows } = await startPlanner({
    system,
    maps,
    layout,
    writes,
    onAssigned: options.onAssigned,
    onStep: options.onPlannerStep,
  })
  const robots = await startRobots({ system, maps, robotIds, pickTimeMs, writes, onStep: options.onRobotStep })
  const machine = createVisionMachine({
    detected(part, encoder) {
      options.onVisionStep?.(part)
      // Only if absent: a frame that is shown again must not take a part back from its robot.
      writes.attempt(maps.parts.compareAndSet(part, 0, { encoder }).then(() => camera.confirm(part)))
    },
    repeat: () => camera.repeat(),
  })
  const vision = await system.spawn(machine, { id: 'vision', stage: 'perception' })
  started.vision = vision

  return {
    camera,
    vision,
    planner,
    robots: robots.agents,
    arms: robots.arms,
    writes,
    close: () => {
      windows.close()
      robots.close()
    },
  }
}
