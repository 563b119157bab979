import type { MapEvent } from '@stigmergy/core'
import { assign, createMachine } from 'xstate'
import type { Machine } from '../machine.ts'
import type { Arrival, CellState, QualityReading, RobotPosition } from './replay-maps.ts'

export type ReplayRobotEvent =
  | MapEvent<'robots', RobotPosition>
  | MapEvent<'gates', Arrival>
  | MapEvent<'quality', QualityReading>
  | MapEvent<'safety', CellState>

export type ReplayRobotContext = {
  readonly position: RobotPosition | undefined
  /** Key of the disc it works on. */
  readonly disc: string | undefined
  readonly lastOk: boolean | undefined
}

export type ReplayRobotMachine = Machine<ReplayRobotContext, ReplayRobotEvent>

/**
 * The robot of a recorded cell. The recording moves the arm; the agent follows it in the shared maps: where it is, which disc it
 * works on (from the gate to the camera), and whether its cell's safety lets it move. `finish` takes a disc off the map.
 */
export function createReplayRobot(finish: (disc: string) => void): ReplayRobotMachine {
  const finishDisc = ({ context }: { readonly context: ReplayRobotContext }): void => {
    if (context.disc !== undefined) finish(context.disc)
  }
  return createMachine({
    id: 'replay-robot',
    types: {} as { context: ReplayRobotContext; events: ReplayRobotEvent },
    context: { position: undefined, disc: undefined, lastOk: undefined },
    type: 'parallel',
    on: { 'robots.put': { actions: assign({ position: ({ event }) => event.value }) } },
    states: {
      hands: {
        initial: 'empty',
        states: {
          empty: { on: { 'gates.put': { target: 'holding', actions: assign({ disc: ({ event }) => event.value.disc }) } } },
          holding: {
            on: {
              // The camera missed the one before.
              'gates.put': { actions: [finishDisc, assign({ disc: ({ event }) => event.value.disc })] },
              'quality.put': { target: 'empty', actions: [finishDisc, assign({ disc: undefined, lastOk: ({ event }) => event.value.ok })] },
            },
          },
        },
      },
      motion: {
        initial: 'moving',
        states: { moving: {}, holding: {}, stopped: {} },
        on: {
          'safety.put': [
            { guard: ({ event }) => event.value.state === 'STOP', target: '.stopped' },
            { guard: ({ event }) => event.value.state === 'HOLD', target: '.holding' },
            { target: '.moving' },
          ],
        },
      },
    },
  })
}
