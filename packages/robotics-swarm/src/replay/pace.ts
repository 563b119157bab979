import type { Alarm } from './alarm.ts'

/** Keeps work that is always ready from shutting out timers, IO and Ctrl-C (I8). One for all streams, however many there are. */
export interface Pace {
  /** Undefined: go on. Else wait for it, and ask again. */
  giveWay(alarm: Alarm): Promise<void> | undefined
}

const TURN_MS = 20
const ROWS_PER_TURN = 64

/**
 * By the time that the machine takes: after 20 ms all wait until the event loop has turned. Not by rows: with thousands of late
 * streams a few rows of each are seconds. Not by a timer: Node serves timers that are due before it looks for signals.
 */
export function createRealPace(): { giveWay(): Promise<void> | undefined } {
  let turn: { readonly endsMs: number; readonly over: Promise<void> } | undefined
  const begin = (): NonNullable<typeof turn> => {
    const over = new Promise<void>((resolve) => {
      setImmediate(() => {
        turn = undefined
        resolve()
      })
    })
    return { endsMs: performance.now() + TURN_MS, over }
  }
  return {
    giveWay() {
      turn ??= begin()
      return performance.now() < turn.endsMs ? undefined : turn.over
    },
  }
}

/**
 * On a virtual clock each timer is a turn of the event loop already, so only rows of one instant pile up. Counted, so that the
 * same replay gives the same log on any machine; waited for on the clock, so that the instant does not pass meanwhile.
 */
export function createVirtualPace(): Pace {
  let rows = 0
  return { giveWay: (alarm) => (++rows % ROWS_PER_TURN === 0 ? alarm.turn() : undefined) }
}
