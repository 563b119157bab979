import type { ActorSystem, AgentRef } from '@stigmergy/core'
import type { CellMaps } from '../cell-maps.ts'
import { type Arrival, type ClaimWindows, createClaimWindows } from '../claim-windows.ts'
import { createPlannerMachine, firstFree, type PlannerMachine } from '../planner.ts'
import type { CellLayout } from './layout.ts'
import type { Writes } from './writes.ts'

export interface PlannerOptions {
  readonly system: ActorSystem
  readonly maps: CellMaps
  readonly layout: CellLayout
  readonly writes: Writes
  readonly onAssigned?: ((latencyMs: number) => void) | undefined
  /** Called as the first action of what the planner does; fault injection throws here. */
  readonly onStep?: ((step: 'follow' | 'claim' | 'pass-on' | 'miss') => void) | undefined
}

/** Starts the planner of a cell with the claim windows it is told of. */
export async function startPlanner({ system, maps, layout, writes, onAssigned, onStep }: PlannerOptions): Promise<{
  readonly planner: AgentRef<PlannerMachine>
  readonly windows: ClaimWindows
}> {
  const { grid, clock } = system
  const { parts, robots } = maps
  const { robotIds } = layout
  const started: { planner?: AgentRef<PlannerMachine> } = {}
  const isFree = (part: string): boolean => {
    const entry = parts.peek(part)
    return entry !== undefined && entry.value.owner === undefined
  }

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
      else if (firstFree(arrival.station, planner.snapshot.context.leases, robotIds, robots))
        planner.send({ type: 'window', arrival }, options)
      else windows.passOn(arrival)
    },
  })

  const claim = async (arrival: Arrival): Promise<void> => {
    const fromMs = clock.now()
    const trace = grid.trace.current
    const owner = robotIds[arrival.station]
    const part = parts.peek(arrival.part)
    const claimed =
      owner !== undefined &&
      part !== undefined &&
      part.value.owner === undefined &&
      (await parts.compareAndSet(arrival.part, part.version, { ...part.value, owner }, trace && { trace })).ok
    if (claimed) onAssigned?.(clock.now() - fromMs)
    else started.planner?.send({ type: 'claim.lost', arrival })
  }

  const machine = createPlannerMachine(robotIds, {
    follow(part, encoder, trace) {
      onStep?.('follow')
      windows.follow(part, encoder, grid.trace.current ?? trace)
    },
    passOn(arrival) {
      onStep?.('pass-on')
      if (isFree(arrival.part)) windows.passOn(arrival)
    },
    claim(arrival) {
      onStep?.('claim')
      writes.attempt(claim(arrival), () => started.planner?.send({ type: 'claim.lost', arrival }))
    },
    miss(part) {
      onStep?.('miss')
      const entry = parts.peek(part)
      if (entry !== undefined && entry.value.owner === undefined) writes.attempt(parts.removeIf(part, entry.version))
    },
  })
  const planner = await system.spawn(machine, { id: 'planner', stage: 'planning', watch: { parts }, mailbox: { capacity: 65_536 } })
  started.planner = planner
  return { planner, windows }
}
