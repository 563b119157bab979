import type { GridMap, TraceContext } from '@stigmergy/grid'
import { assign, createMachine } from 'xstate'
import type { PartEvent } from './cell-maps.ts'
import type { Arrival } from './claim-windows.ts'
import type { Machine } from './machine.ts'

/** Which robot has which part. At most one part a robot, so a robot with a lease is not free. */
export type Leases = Readonly<Record<string, string>>

export type PlannerEvent =
  | PartEvent
  /** A part is within reach of a robot that the rule chose for it. */
  | { readonly type: 'window'; readonly arrival: Arrival; readonly robot: string }
  /** Somebody else changed the part before the claim was written. */
  | { readonly type: 'claim.lost'; readonly arrival: Arrival; readonly robot: string }
  /** A part went past the last robot. */
  | { readonly type: 'passed'; readonly part: string }

/** What the planner does to the world. Each call runs as an action, so what it writes carries the part's trace. */
export interface PlannerEffects {
  follow(part: string, encoder: number, trace: TraceContext | undefined): void
  passOn(arrival: Arrival): void
  /** Claims by compare-and-set; tells `claim.lost` if it did not get the part. */
  claim(arrival: Arrival, robot: string): void
  /** Takes a part that nobody took off the map. */
  miss(part: string): void
}

export type PlannerMachine = Machine<{ leases: Leases }, PlannerEvent>

const without = (leases: Leases, robot: string): Leases => {
  const { [robot]: _gone, ...rest } = leases
  return rest
}

/**
 * The central planner: follows each detected part along the belt and, where the rule says so, claims it for a robot.
 * Leases live in its context; a restarted planner gets them back from the owners in the `parts` map.
 */
export function createPlannerMachine(effects: PlannerEffects): PlannerMachine {
  return createMachine({
    id: 'planner',
    types: {} as { context: { leases: Leases }; events: PlannerEvent },
    context: { leases: {} },
    on: {
      'parts.put': [
        {
          guard: ({ event }) => event.value.owner === undefined,
          actions: ({ event }) => effects.follow(event.key, event.value.encoder, event.entry.trace),
        },
        {
          guard: ({ context, event }) => context.leases[event.value.owner ?? ''] !== event.key,
          actions: assign({ leases: ({ context, event }) => ({ ...context.leases, [event.value.owner ?? '']: event.key }) }),
        },
      ],
      'parts.remove': {
        guard: ({ context, event }) => context.leases[event.previous.value.owner ?? ''] === event.key,
        actions: assign({ leases: ({ context, event }) => without(context.leases, event.previous.value.owner ?? '') }),
      },
      window: [
        {
          guard: ({ context, event }) => context.leases[event.robot] === undefined,
          actions: [
            assign({ leases: ({ context, event }) => ({ ...context.leases, [event.robot]: event.arrival.part }) }),
            ({ event }) => effects.claim(event.arrival, event.robot),
          ],
        },
        { actions: ({ event }) => effects.passOn(event.arrival) },
      ],
      'claim.lost': {
        actions: assign({ leases: ({ context, event }) => without(context.leases, event.robot) }),
      },
      passed: { actions: ({ event }) => effects.miss(event.part) },
    },
  })
}

/** First rule: the first robot in belt order that is free when the part comes within its reach. */
export function firstFree(robot: string, leases: Leases, robots: GridMap<{ readonly state: 'idle' | 'busy' }>): boolean {
  return leases[robot] === undefined && robots.peek(robot)?.value.state === 'idle'
}
