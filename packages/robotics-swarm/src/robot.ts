import type { RestoredEvent } from '@stigmergy/core'
import { assign, createMachine } from 'xstate'
import type { PartEvent } from './cell-maps.ts'
import type { Machine } from './machine.ts'
import type { ArmReport } from './robot-arm.ts'

export type RobotEvent = PartEvent | ArmReport | RestoredEvent

/** The three transitions of a robot's work. */
export type RobotStep = 'take' | 'picked' | 'placed'

/** What a robot does to the world; called as actions, so what they write carries the part's trace. */
export interface RobotEffects {
  /** Commands the arm. Repeating it for one part must be harmless. */
  pick(part: string): void
  /** The part is off the belt and in its place. */
  finish(part: string): void
  publish(state: 'idle' | 'busy', part: string | undefined): void
  /** Told before and after the effects of each transition. Fault injection throws here. */
  onStep?(step: RobotStep, when: 'begin' | 'end'): void
}

export type RobotContext = { readonly part: string | undefined }
export type RobotMachine = Machine<RobotContext, RobotEvent>

/**
 * One robot: takes the part it owns in the `parts` map, picks it, places it. After a restart it commands the arm again for
 * the part it held: the arm refuses a second pick and tells what it has already done.
 */
export function createRobotMachine(id: string, effects: RobotEffects): RobotMachine {
  return createMachine({
    id: 'robot',
    types: {} as { context: RobotContext; events: RobotEvent },
    context: { part: undefined },
    initial: 'idle',
    states: {
      idle: {
        entry: () => effects.publish('idle', undefined),
        on: {
          'parts.put': {
            guard: ({ event }) => event.value.owner === id,
            target: 'picking',
            actions: [
              () => effects.onStep?.('take', 'begin'),
              assign({ part: ({ event }) => event.key }),
              ({ event }) => effects.publish('busy', event.key),
              ({ event }) => effects.pick(event.key),
              () => effects.onStep?.('take', 'end'),
            ],
          },
        },
      },
      picking: {
        tags: ['stage:actuation'],
        on: {
          'agent.restored': { actions: ({ context }) => context.part !== undefined && effects.pick(context.part) },
          picked: {
            guard: ({ context, event }) => event.part === context.part,
            target: 'placing',
            actions: () => effects.onStep?.('picked', 'begin'),
          },
        },
      },
      placing: {
        tags: ['stage:actuation'],
        on: {
          'agent.restored': { actions: ({ context }) => context.part !== undefined && effects.pick(context.part) },
          placed: {
            guard: ({ context, event }) => event.part === context.part,
            target: 'idle',
            actions: [
              () => effects.onStep?.('placed', 'begin'),
              ({ event }) => effects.finish(event.part),
              assign({ part: undefined }),
              () => effects.onStep?.('placed', 'end'),
            ],
          },
        },
      },
    },
  })
}
