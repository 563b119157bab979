import { createMachine } from 'xstate'
import type { Machine } from './machine.ts'

/** One camera frame with one new part on the belt. */
export type FrameEvent = {
  readonly type: 'frame'
  readonly part: string
  readonly encoder: number
}

export type VisionMachine = Machine<Record<string, never>, FrameEvent>

/** The perception of a cell: turns what the camera sees into parts in the shared map. */
export function createVisionMachine(detected: (part: string, encoder: number) => void): VisionMachine {
  return createMachine({
    id: 'vision',
    types: {} as { context: Record<string, never>; events: FrameEvent },
    context: {},
    on: { frame: { actions: ({ event }) => detected(event.part, event.encoder) } },
  })
}
