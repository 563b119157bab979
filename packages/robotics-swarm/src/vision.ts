import type { RestoredEvent } from '@stigmergy/core'
import { createMachine } from 'xstate'
import type { Machine } from './machine.ts'

/** One camera frame with one new part on the belt. */
export type FrameEvent = {
  readonly type: 'frame'
  readonly part: string
  readonly encoder: number
}

export type VisionEvent = FrameEvent | RestoredEvent
export type VisionMachine = Machine<Record<string, never>, VisionEvent>

/** What the perception does to the world. */
export interface VisionEffects {
  detected(part: string, encoder: number): void
  /** Asks the camera for the frames again whose parts are not in the map. */
  repeat(): void
}

/** The perception of a cell: turns what the camera sees into parts in the shared map. */
export function createVisionMachine(effects: VisionEffects): VisionMachine {
  return createMachine({
    id: 'vision',
    types: {} as { context: Record<string, never>; events: VisionEvent },
    context: {},
    on: {
      frame: { actions: ({ event }) => effects.detected(event.part, event.encoder) },
      // The frame that broke it is gone; the camera still has it.
      'agent.restored': { actions: () => effects.repeat() },
    },
  })
}
