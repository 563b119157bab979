import type { Clock } from '@stigmergy/grid'

/** The conveyor as its encoder tells it: counts grow while it runs and stand while it is stopped. */
export interface Belt {
  /** Encoder counts now, with fractions. */
  counts(): number
  /** Milliseconds until the encoder reads `counts`; 0 if it is past, Infinity while the belt stands. */
  msUntil(counts: number): number
  readonly running: boolean
  start(): void
  stop(): void
  /** Called after each start and stop: whoever waits for a position must look again. */
  onChange(listener: () => void): void
}

// Less than this is rounding, not distance: waiting for it would never end once the clock's own resolution is coarser.
const ROUNDING_MS = 0.000_5

export interface BeltOptions {
  readonly clock: Clock
  /** Metres per second. */
  readonly speedMps: number
  /** Encoder counts per metre. */
  readonly countsPerMetre: number
}

/** A belt of constant speed that can be stopped. Position is integrated from the monotonic clock alone. */
export function createBelt({ clock, speedMps, countsPerMetre }: BeltOptions): Belt {
  const countsPerMs = (speedMps * countsPerMetre) / 1000
  const listeners: (() => void)[] = []
  let running = true
  let countsAtMark = 0
  let markMs = clock.now()
  const counts = (): number => (running ? countsAtMark + (clock.now() - markMs) * countsPerMs : countsAtMark)
  const turn = (on: boolean): void => {
    if (on === running) return
    countsAtMark = counts()
    markMs = clock.now()
    running = on
    for (const listener of listeners) listener()
  }
  return {
    counts,
    msUntil: (target) => {
      if (!running) return counts() >= target ? 0 : Number.POSITIVE_INFINITY
      const leftMs = markMs + (target - countsAtMark) / countsPerMs - clock.now()
      return leftMs > ROUNDING_MS ? leftMs : 0
    },
    get running() {
      return running
    },
    start: () => turn(true),
    stop: () => turn(false),
    onChange: (listener) => listeners.push(listener),
  }
}
