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

/** The lowest age that `isOver` calls above a limit: the next whole microsecond. To aim lower would be to look again for ever. */
const firstOver = (limitMs: number): number => (Math.round(limitMs * 1000) + 1) / 1000

/**
 * Watches over the age of one source in a map (I4): it reads the near cache, never awaits the grid, and has one timer.
 * The timer is not moved by each reading: it fires, finds a newer one and aims again. Only a timer that would come too late for
 * the newest reading is moved: after a hold it aims at the limit of the reading before.
 */
export function startWatchman<V>({ clock, map, key, limits, requiredFromMs, onReading, onSilence }: WatchmanOptions<V>): { close(): void } {
  let told: Reading | undefined = requiredFromMs === undefined ? undefined : { acceptedAtMs: requiredFromMs, stamp: undefined }
  const holdAfterMs = firstOver(limits.holdMs)
  const stopAfterMs = firstOver(limits.limitMs)
  let timer: TimerHandle
  let aimedAtMs = Infinity
  let closed = false

  const newest = (): Reading | undefined => {
    // The near cache may hold a reading that is still on its way to the listener: the source is not silent then.
    const entry = map.peek(key)
    return entry?.source && isNewer(entry.source, told?.stamp) ? { acceptedAtMs: entry.acceptedAtMs, stamp: entry.source } : told
  }
  const look = (): void => {
    if (timer !== undefined) clock.clearTimeout(timer)
    timer = undefined
    aimedAtMs = Infinity
    const reading = closed ? undefined : newest()
    if (!reading) return
    const nowMs = clock.now()
    const ageMs = nowMs - reading.acceptedAtMs + map.ageMs()
    if (isOver(ageMs, limits.holdMs)) onSilence(reading, ageMs, nowMs)
    if (isOver(ageMs, limits.limitMs)) return
    const leftMs = (isOver(ageMs, limits.holdMs) ? stopAfterMs : holdAfterMs) - ageMs
    aimedAtMs = nowMs + leftMs
    timer = clock.setTimeout(() => {
      timer = undefined
      look()
    }, leftMs)
  }
  const take = (entry: Entry<V> | undefined): void => {
    // A repeated or older stamp is no sign of life, nor is a write by somebody who is not the source.
    if (!entry?.source || !isNewer(entry.source, told?.stamp)) return
    told = { acceptedAtMs: entry.acceptedAtMs, stamp: entry.source }
    onReading(entry, entry.source)
    if (entry.acceptedAtMs + holdAfterMs - map.ageMs() < aimedAtMs) look()
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
