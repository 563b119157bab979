import { createVirtualClock } from '@stigmergy/grid'
import type { CellEvent, Recording, SessionRecording } from '../src/recording/recording.ts'
import { type ReplayOptions } from '../src/replay/options.ts'
import { replay, type ReplayResult } from '../src/replay/replay.ts'

/** A session in memory, from the times of its positions. */
export function sessionOf(session: string, tMs: readonly number[], events: readonly CellEvent[] = []): SessionRecording {
  const zero = new Float64Array(tMs.length)
  const positions = { rows: tMs.length, tMs: Float64Array.from(tMs), xM: zero, yM: zero, zM: zero, status: zero }
  return { session, positions, events, eventsStartMs: events[0]?.tMs }
}

export function recordingOf(...sessions: readonly SessionRecording[]): Recording {
  return { dir: 'memory', sessions }
}

/** Times that begin at `startMs` and go on with these intervals. */
export function times(startMs: number, ...intervals: readonly number[]): number[] {
  const result = [startMs]
  for (const interval of intervals) result.push(result.at(-1)! + interval)
  return result
}

export function replayVirtually(recording: Recording, options: ReplayOptions = {}): Promise<ReplayResult> {
  return replay(recording, { clock: createVirtualClock(), ...options })
}

/** The checks that failed, for a message. */
export function failures({ checks }: ReplayResult): string {
  return checks
    .filter(({ pass }) => !pass)
    .map(({ name, detail }) => `${name}: ${detail}`)
    .join('\n')
}
