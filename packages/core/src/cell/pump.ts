/** Something with events to handle. */
export interface Runnable {
  /** Handles up to `limit` events; returns how many. Never throws. */
  run(limit: number): number
  /** True while there is more to do. */
  readonly ready: boolean
  /** Of the pump: it waits for its turn. */
  queued: boolean
}

/** Gives the agents of a system their turns, in microtasks, never on a sender's stack. */
export interface Pump {
  /** Gives it a turn soon, unless it waits for one already. */
  wake(runnable: Runnable): void
  close(): void
}

/** Events of one agent before the next one has its turn. */
const SLICE = 64
/** Events before timers and IO get their turn: agents that feed each other for ever must not starve the process. */
const BURST = 1000

export function createPump(): Pump {
  const soon = Promise.resolve()
  let waiting: Runnable[] = []
  let spare: Runnable[] = []
  let scheduled = false
  let burst = 0
  let boundary: NodeJS.Immediate | undefined

  // A burst ends when the event loop turns. Asked for once and only in long bursts, it costs the short ones nothing.
  function atBoundary(): void {
    boundary = undefined
    burst = 0
    if (waiting.length > 0) schedule()
  }

  // One round: a slice for each. Between two rounds come the microtasks of others, deliveries of the grid among them.
  function round(): void {
    scheduled = false
    const turn = waiting
    waiting = spare
    for (const runnable of turn) {
      if (burst >= BURST) {
        waiting.push(runnable)
        continue
      }
      runnable.queued = false
      burst += runnable.run(Math.min(SLICE, BURST - burst))
      if (runnable.ready) wake(runnable)
    }
    turn.length = 0
    spare = turn
    if (burst >= BURST / 2) boundary ??= setImmediate(atBoundary)
    if (waiting.length > 0) schedule()
  }

  function schedule(): void {
    if (scheduled || burst >= BURST) return
    scheduled = true
    // As queueMicrotask, which makes a resource for async hooks each time: that costs as much as an event.
    void soon.then(round)
  }

  function wake(runnable: Runnable): void {
    if (runnable.queued) return
    runnable.queued = true
    waiting.push(runnable)
    schedule()
  }

  return {
    wake,
    close() {
      if (boundary !== undefined) clearImmediate(boundary)
      boundary = undefined
      for (const runnable of waiting) runnable.queued = false
      waiting = []
    },
  }
}
