import type { AgentRef } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import type { FrameEvent, VisionMachine } from './vision.ts'

/** The camera over the belt: shows each part to the vision agent, and keeps the frame until the part is in the map. */
export interface Camera {
  show(part: string, encoder: number, trace: TraceContext | undefined): void
  /** The part is in the map: its frame may go. */
  confirm(part: string): void
  /** Shows the kept frames again. */
  repeat(): void
}

// Oldest frames go first (I6): a part this far back has passed all robots.
const KEPT_FRAMES = 4096

export function createCamera(vision: () => AgentRef<VisionMachine> | undefined): Camera {
  const kept = new Map<string, { readonly frame: FrameEvent; readonly trace: TraceContext | undefined }>()
  const send = (frame: FrameEvent, trace: TraceContext | undefined): void => {
    vision()?.send(frame, trace && { trace })
  }
  return {
    show(part, encoder, trace) {
      const frame = { type: 'frame', part, encoder } as const
      kept.set(part, { frame, trace })
      if (kept.size > KEPT_FRAMES) kept.delete(kept.keys().next().value as string)
      send(frame, trace)
    },
    confirm: (part) => void kept.delete(part),
    repeat() {
      for (const { frame, trace } of kept.values()) send(frame, trace)
    },
  }
}
