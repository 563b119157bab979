import type { Clock } from '../time/clock.ts'
import type { DriverRecord } from '../driver.ts'
import { readFrame, type Frame } from './frame.ts'

/** What is known of the clocks that stamped what is stored. */
export interface StampClocks {
  readonly session: string
  readonly clock: Clock
  /** Local time at or after which that session's clock showed `stampMs`, if anything is known of it. */
  readonly latest: (session: string, stampMs: number) => number | undefined
}

/** What this process knows of a key already. */
export interface SeenVersion {
  readonly version: number
  /** Local time of the commit, or of its arrival here. */
  readonly atMs: number
}

/** Local time of the commit, or a later one (so that no time to live ends too early); never later than now. */
export function committedAtMs({ session, stampMs }: Frame, clocks: StampClocks): number {
  const nowMs = clocks.clock.now()
  if (session === clocks.session) return Math.min(stampMs, nowMs)
  return Math.min(clocks.latest(session, stampMs) ?? nowMs, nowMs)
}

/** A value that stays until somebody takes it away. */
export function isLasting({ kind, ttlMs }: Pick<Frame, 'kind' | 'ttlMs'>): boolean {
  return kind === 'put' && ttlMs === undefined
}

/** Is it there, and its time not over? */
export function isLive({ kind, ttlMs, atMs }: Pick<Frame, 'kind' | 'ttlMs'> & { readonly atMs: number }, nowMs: number): boolean {
  return kind === 'put' && (ttlMs === undefined || atMs + ttlMs > nowMs)
}

/** As the owner has it; undefined for what is removed or expired. */
export function toRecord(key: string, stored: Buffer | null, seen: SeenVersion | undefined, clocks: StampClocks): DriverRecord | undefined {
  if (stored === null) return undefined
  const frame = readFrame(stored)
  if (frame === undefined) return { key, version: Math.max(1, seen?.version ?? 0), bytes: stored, atMs: clocks.clock.now() }
  const { version, bytes } = frame
  const atMs = seen?.version === version ? seen.atMs : committedAtMs(frame, clocks)
  return isLive({ ...frame, atMs }, clocks.clock.now()) ? { key, version, bytes, atMs } : undefined
}
