import type { ActorSystem, AgentRef } from '@stigmergy/core'
import type { Entry, TraceContext } from '@stigmergy/grid'
import type { CellMaps, Part } from '../cell-maps.ts'
import { type ArmReport, createSimulatedArm, type RobotArm } from '../robot-arm.ts'
import { createRobotMachine, type RobotMachine, type RobotStep } from '../robot.ts'
import type { Writes } from './writes.ts'

export interface RobotsOptions {
  readonly system: ActorSystem
  readonly maps: CellMaps
  readonly robotIds: readonly string[]
  readonly pickTimeMs: (robot: number) => number
  readonly writes: Writes
  readonly onStep?: ((robot: string, step: RobotStep, when: 'begin' | 'end') => void) | undefined
}

export interface Robots {
  readonly agents: readonly AgentRef<RobotMachine>[]
  readonly arms: readonly RobotArm[]
  close(): void
}

/** Starts the robots of a cell, each with its arm. A robot that fails for good gives its part back, or up. */
export async function startRobots({ system, maps, robotIds, pickTimeMs, writes, onStep }: RobotsOptions): Promise<Robots> {
  const { grid, clock } = system
  const { parts, robots } = maps
  const arms: RobotArm[] = []
  const agents: AgentRef<RobotMachine>[] = []

  const retire = (id: string): void => {
    const arm = arms[robotIds.indexOf(id)]
    if (arm === undefined) return
    writes.attempt(robots.put(id, { state: 'down' }))
    for (const { key, value } of parts.entries()) {
      if (value.owner !== id) continue
      if (arm.abandon(key) === 'taken') writes.attempt(parts.remove(key))
      // Free again: the planner is told, and follows it from where it is by now.
      else writes.attempt(parts.put(key, { encoder: value.encoder }))
    }
  }
  const unhook = system.use({
    onStop: (agent, reason) => {
      if (reason === 'failed') retire(agent.id)
    },
  })

  for (const [index, id] of robotIds.entries()) {
    const report = (event: ArmReport, trace: TraceContext | undefined): void => {
      agents[index]?.send(event, trace && { trace })
    }
    const arm = createSimulatedArm({ clock, pickTimeMs: () => pickTimeMs(index), report })
    arms.push(arm)
    const machine = createRobotMachine(id, {
      onStep: (step, when) => onStep?.(id, step, when),
      pick: (part) => void arm.pick(part, grid.trace.current),
      finish: (part) => writes.attempt(parts.remove(part)),
      publish: (state, part) => writes.attempt(robots.put(id, part === undefined ? { state } : { state, part })),
    })
    const watch = { parts: { map: parts, where: (entry: Entry<Part>) => entry.value.owner === id } }
    agents.push(await system.spawn(machine, { id, type: 'robot', durability: 'checkpoint', watch }))
  }

  return {
    agents,
    arms,
    close: () => {
      unhook()
      for (const arm of arms) arm.close()
    },
  }
}
