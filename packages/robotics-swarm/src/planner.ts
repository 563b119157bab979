import type { GridMap, TraceContext } from '@stigmergy/grid'
import { assign, createMachine } from 'xstate'
import type { Part, PartEvent, RobotStatus } from './cell-maps.ts'
import type { Arrival } from './claim-windows.ts'
import type { Machine } from './machine.ts'

/** The part each robot has, in belt order. At most one part a robot, so a robot with a lease is not free. */
export type Leases = readonly (string | undefined)[]

export type PlannerEvent =
  | PartEvent
  /** A part is within reach of a robot, and the rule gives it the part. */
  | { readonly type: 'window'; readonly arrival: Arrival }
  /** The claim was not written: somebody else changed the part before, or the grid failed. */
  | { readonly type: 'claim.lost'; readonly arrival: Arrival }
  /** A part went past the last robot. */
  | { readonly type: 'passed'; readonly part: string }

/** What the planner does to the world. Each call runs as an action, so what it writes carries the part's trace. */
export interface PlannerEffects {
  follow(part: string, encoder: number, trace: TraceContext | undefined): void
  /** Lets a part travel on, if it is still free. */
  passOn(arrival: Arrival): void
  /** Claims the part for the robot of the station by compare-and-set; tells `claim.lost` if it did not get it. */
  claim(arrival: Arrival): void
  /** Takes a part that nobody took off the map. */
  miss(part: string): void
}

export type PlannerMachine = Machine<{ leases: Leases }, PlannerEvent>

/**
 * The central planner: follows each detected part along the belt and, where the rule says so, claims it for a robot.
 * Leases live in its context; a restarted planner gets them back from the owners in the `parts` map.
 * `robots`: their ids in belt order, one per station.
 */
export function createPlannerMachine(robots: readonly string[], effects: PlannerEffects): PlannerMachine {
  const stationOf = new Map(robots.map((id, station) => [id, station]))
  const station = (part: Part): number => stationOf.get(part.owner ?? '') ?? -1
  return createMachine({
    id: 'planner',
    types: {} as { context: { leases: Leases }; events: PlannerEvent },
    context: { leases: robots.map(() => undefined) },
    on: {
      'parts.put': [
        {
          guard: ({ event }) => event.value.owner === undefined,
          actions: ({ event }) => effects.follow(event.key, event.value.encoder, event.entry.trace),
        },
        {
          // Told of a claim that it does not know: it was restarted.
          guard: ({ context, event }) => station(event.value) >= 0 && context.leases[station(event.value)] !== event.key,
          actions: assign({ leases: ({ context, event }) => context.leases.with(station(event.value), event.key) }),
        },
      ],
      'parts.remove': {
        guard: ({ context, event }) => context.leases[station(event.previous.value)] === event.key,
        actions: assign({ leases: ({ context, event }) => context.leases.with(station(event.previous.value), undefined) }),
      },
      window: [
        {
          guard: ({ context, event }) => context.leases[event.arrival.station] === undefined,
          actions: [
            assign({ leases: ({ context, event }) => context.leases.with(event.arrival.station, event.arrival.part) }),
            ({ event }) => effects.claim(event.arrival),
          ],
        },
        { actions: ({ event }) => effects.passOn(event.arrival) },
      ],
      'claim.lost': {
        guard: ({ context, event }) => context.leases[event.arrival.station] === event.arrival.part,
        actions: [
          assign({ leases: ({ context, event }) => context.leases.with(event.arrival.station, undefined) }),
          ({ event }) => effects.passOn(event.arrival),
        ],
      },
      passed: { actions: ({ event }) => effects.miss(event.part) },
    },
  })
}

/** First rule: the first robot in belt order that is free when the part comes within its reach. */
export function firstFree(
  station: number,
  leases: Leases,
  robots: readonly string[],
  statuses: GridMap<{ readonly state: RobotStatus['state'] }>,
): boolean {
  return leases[station] === undefined && statuses.peek(robots[station] ?? '')?.value.state === 'idle'
}
