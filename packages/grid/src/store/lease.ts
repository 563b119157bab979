import type { Clock, TimerHandle } from '../time/clock.ts'
import type { Lease } from './authority.ts'
import type { Fence } from './store.ts'

/** The owner's side of a lease: when it ends, by the owner's clock alone. */
export interface HeldLease {
  readonly lease: Lease
  readonly tag: string
  /** `startMs`: when the renewal was sent, so our time begins before that of whoever waits for it. */
  renewed(tag: string, startMs: number): void
  end(): void
}

export interface HeldLeaseOptions {
  readonly name: string
  readonly fence: Fence
  readonly ttlMs: number
  readonly tag: string
  readonly startMs: number
  readonly clock: Clock
  /** Given: it is renewed every third of its time. */
  readonly renew: ((lease: Lease) => Promise<void>) | undefined
}

// Two machines' quartz clocks differ by far less; it also leaves time to stop.
const MARGIN = 0.1

export function createHeldLease(options: HeldLeaseOptions, onEnd: () => void): HeldLease {
  const { name, fence, ttlMs, clock, renew } = options
  const over = new AbortController()
  let { tag } = options
  let endMs = -Infinity
  let expiry: TimerHandle
  let renewal: TimerHandle

  const lease: Lease = {
    name,
    fence,
    ttlMs,
    // The clock, not the timer: after a pause of the process the timer is late.
    remainingMs: () => (over.signal.aborted ? 0 : Math.max(0, endMs - clock.now())),
    signal: over.signal,
  }

  function end(): void {
    if (over.signal.aborted) return
    clock.clearTimeout(expiry)
    clock.clearTimeout(renewal)
    over.abort()
    onEnd()
  }

  function expire(): void {
    expiry = clock.setTimeout(() => (lease.remainingMs() === 0 ? end() : expire()), lease.remainingMs())
  }

  function keep(): void {
    if (renew === undefined || over.signal.aborted) return
    // A failed renewal is tried again until the time is over; a lost lease has ended by then.
    renewal = clock.setTimeout(() => void renew(lease).then(keep, keep), ttlMs / 3)
  }

  function begin(startMs: number): void {
    // Of renewals that overlap, the one sent last may be answered first.
    endMs = Math.max(endMs, startMs + ttlMs * (1 - MARGIN))
    expire()
  }

  begin(options.startMs)
  keep()
  return {
    lease,
    get tag() {
      return tag
    },
    renewed(next, startMs) {
      tag = next
      clock.clearTimeout(expiry)
      begin(startMs)
    },
    end,
  }
}
