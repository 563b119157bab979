import type { ActorSystem, AgentRef } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import { openCellMaps } from '../cell-maps.ts'
import { type Arrival, createClaimWindows } from '../claim-windows.ts'
import { createPlannerMachine, firstFree, type PlannerMachine } from '../planner.ts'
import { createRobotMachine, type RobotMachine, type RobotStep } from '../robot.ts'
import { createSimulatedArm, type RobotArm } from '../robot-arm.ts'
import { createVisionMachine, type VisionMachine } from '../vision.ts'
import type { CellLayout } from './layout.ts'

/** A running cell: one camera, one planner, robots along the belt, all agents of one system sharing its grid. */
export interface Cell {
  readonly vision: AgentRef<VisionMachine>
  readonly planner: AgentRef<PlannerMachine>
  readonly robots: readonly AgentRef<RobotMachine>[]
  readonly arms: readonly RobotArm[]
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
}

/** Starts the agents of a cell. Stop them by closing the system. */
export async function startCell({ system, layout, pickTimeMs, onAssigned, onRobotStep }: CellOptions): Promise<Cell> {
  const { grid, clock } = system
  const { parts, robots: statuses } = openCellMaps(grid)
  const { robotIds } = layout
  const started: { planner?: AgentRef<PlannerMachine> } = {}

  const windows = createClaimWindows({
    clock,
    belt: layout.belt,
    stations: layout.stations,
    reach: layout.reach,
    onArrival: (arrival) => {
      const { planner } = started
      if (planner === undefined) return
      const options = arrival.trace && { trace: arrival.trace }
      if (arrival.station >= robotIds.length) planner.send({ type: 'passed', part: arrival.part }, options)
      else if (firstFree(arrival.station, planner.snapshot.context.leases, robotIds, statuses))
        planner.send({ type: 'window', arrival }, options)
      else windows.passOn(arrival)
    },
  })

  const claim = async (arrival: Arrival): Promise<void> => {
    const fromMs = clock.now()
    const trace = grid.trace.current
    const owner = robotIds[arrival.station]
    const free = parts.peek(arrival.part)
    const claimed =
      owner !== undefined &&
      free !== undefined &&
      free.value.owner === undefined &&
      (await parts.compareAndSet(arrival.part, free.version, { ...free.value, owner }, trace && { trace })).ok
    if (claimed) onAssigned?.(clock.now() - fromMs)
    else started.planner?.send({ type: 'claim.lost', arrival })
  }

  const planner = await system.spawn(
    createPlannerMachine(robotIds, {
      follow: (part, encoder, trace) => windows.follow(part, encoder, grid.trace.current ?? trace),
      passOn: (arrival) => windows.passOn(arrival),
      claim: (arrival) => void claim(arrival).catch(() => started.planner?.send({ type: 'claim.lost', arrival })),
      miss: (part) => {
        const entry = parts.peek(part)
        if (entry !== undefined && entry.value.owner === undefined) void parts.removeIf(part, entry.version)
      },
    }),
    { id: 'planner', stage: 'planning', watch: { parts }, mailbox: { capacity: 65_536 } },
  )
  started.planner = planner

  const arms: RobotArm[] = []
  const robots: AgentRef<RobotMachine>[] = []
  for (const [index, id] of robotIds.entries()) {
    const report = (event: { type: 'picked' | 'placed'; part: string }, trace: TraceContext | undefined): void => {
      robots[index]?.send(event, trace && { trace })
    }
    const arm = createSimulatedArm({ clock, pickTimeMs: () => pickTimeMs(index), report })
    arms.push(arm)
    const machine = createRobotMachine(id, {
      onStep: (step, when) => onRobotStep?.(id, step, when),
      pick: (part) => void arm.pick(part, grid.trace.current),
      finish: (part) => void parts.remove(part),
      publish: (state, part) => void statuses.put(id, part === undefined ? { state } : { state, part }),
    })
    robots.push(
      await system.spawn(machine, {
        id,
        type: 'robot',
        durability: 'checkpoint',
        watch: { parts: { map: parts, where: (entry) => entry.value.owner === id } },
      }),
    )
  }

  const vision = await system.spawn(
    createVisionMachine((part, encoder) => void parts.put(part, { encoder })),
    { id: 'vision', stage: 'perception' },
  )
  return {
    vision,
    planner,
    robots,
    arms,
    close: () => {
      windows.close()
      for (const arm of arms) arm.close()
    },
  }
}
