import type { TraceContext } from '@stigmergy/grid'

/** A part on its way to a station. */
export interface WaitingPart {
  readonly part: string
  /** Encoder counts when the camera saw it. */
  readonly encoder: number
  /** Encoder counts at which it is there. */
  readonly due: number
  readonly trace: TraceContext | undefined
}

/** Parts by their place on the belt. New ones come last but for a few, so inserting looks from the end. */
export interface PartQueue {
  readonly head: WaitingPart | undefined
  /** True if it is the head now. */
  insert(part: WaitingPart): boolean
  shift(): void
}

// The served ones are cut off in blocks: shifting an array each time would move all that wait.
const CUT_OFF = 1024

export function createPartQueue(): PartQueue {
  const items: WaitingPart[] = []
  let first = 0
  return {
    get head() {
      return items[first]
    },
    insert(part) {
      let at = items.length
      while (at > first && (items[at - 1]?.due ?? 0) > part.due) at -= 1
      if (at === items.length) items.push(part)
      else items.splice(at, 0, part)
      return at === first
    },
    shift() {
      first += 1
      if (first < CUT_OFF) return
      items.splice(0, first)
      first = 0
    },
  }
}
