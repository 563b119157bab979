import type { Change, Clock, Entry, GridMap, SourceStamp, TimerHandle } from '@stigmergy/grid'
import { isOver, type SafetyLimits } from './safety.ts'

/** The newest reading of a source, or, with no stamp, the moment from which it is required. */
export interface Reading {
  readonly acceptedAtMs: number
  readonly stamp: SourceStamp | undefined
}

export interface WatchmanOptions<V> {
  readonly clock: Clock
  readonly map: GridMap<V>
  readonly key: string
  readonly limits: SafetyLimits
  /** Undefined: from its first reading. */
  readonly requiredFromMs: number | undefined
  /** Each newer reading, in order. */
  readonly onReading: (entry: Entry<V>, stamp: SourceStamp) => void
  /** The newest reading is older than a limit now. */
  readonly onSilence: (reading: Reading, ageMs: number, nowMs: number) => void
}

// An age of exactly a limit is not above it, so the timer aims one microsecond later.
const MICROSECOND_MS = 0.001

/**
 * Watches over the age of one source in a map (I4): it reads the near cache, never awaits the grid, and has one timer.
 * The timer is not moved by each reading: it fires, finds a newer one and aims again.
 */
export function startWatchman<V>({ clock, map, key, limits, requiredFromMs, onReading, onSilence }: WatchmanOptions<V>): { close(): void } {
  let told: Reading | undefined = requiredFromMs === undefined ? undefined : { acceptedAtMs: requiredFromMs, stamp: undefined }
  let timer: TimerHandle
  let closed = false

  const newest = (): Reading | undefined => {
    // The near cache may hold a reading that is still on its way to the listener: the source is not silent then.
    const entry = map.peek(key)
    return entry?.source && isNewer(entry.source, told?.stamp) ? { acceptedAtMs: entry.acceptedAtMs, stamp: entry.source } : told
  }
  const look = (): void => {
    const reading = newest()
    if (!reading || closed) return
    const nowMs = clock.now()
    const ageMs = nowMs - reading.acceptedAtMs + map.ageMs()
    if (isOver(ageMs, limits.holdMs)) onSilence(reading, ageMs, nowMs)
    if (isOver(ageMs, limits.limitMs)) return
    const nextMs = isOver(ageMs, limits.holdMs) ? limits.limitMs : limits.holdMs
    timer = clock.setTimeout(
      () => {
        timer = undefined
        look()
      },
      nextMs + MICROSECOND_MS - ageMs,
    )
  }
  const take = (entry: Entry<V> | undefined): void => {
    // A repeated or older stamp is no sign of life, nor is a write by somebody who is not the source.
    if (!entry?.source || !isNewer(entry.source, told?.stamp)) return
    told = { acceptedAtMs: entry.acceptedAtMs, stamp: entry.source }
    onReading(entry, entry.source)
    if (timer === undefined) look()
  }
  const watch = map.watch(
    (change: Change<V>) => {
      if (change.type === 'put') take(change.entry)
      else if (change.type === 'resync') take(change.entries.get(key))
    },
    { key, initial: true },
  )
  look()
  return {
    close() {
      closed = true
      watch.close()
      if (timer !== undefined) clock.clearTimeout(timer)
    },
  }
}

function isNewer(stamp: SourceStamp, than: SourceStamp | undefined): boolean {
  return than === undefined || stamp.epoch > than.epoch || (stamp.epoch === than.epoch && stamp.seq > than.seq)
}
