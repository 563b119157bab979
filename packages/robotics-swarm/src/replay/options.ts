import type { ActorSystem } from '@stigmergy/core'
import type { Clock, Grid } from '@stigmergy/grid'
import type { TelemetryHooks } from '@stigmergy/telemetry'
import { SwarmError } from '../errors.ts'
import type { Recording } from '../recording/recording.ts'
import { resolveSafetyOptions, type SafetyLimits } from '../safety.ts'
import type { ReplayProgress } from './progress.ts'

export interface ReplayOptions {
  /** Recorded time is divided by it. @default 1 */
  readonly speed?: number
  /** Age of a robot's position, in ms, above which its cell stops. @default 50 */
  readonly limitMs?: number
  /** Age above which the cell holds. @default limitMs: a replay knows RUN and STOP only */
  readonly holdMs?: number
  /** Time of the replay, real or virtual; a virtual one is driven by the replay. @default the clock of `grid`, else `systemClock()` */
  readonly clock?: Clock
  /** The shared memory. Its clock is the time of the replay. Stays open. @default an embedded one for this replay */
  readonly grid?: Grid
  /** Where the agents run, on the same grid. Stays open. @default one for this replay */
  readonly system?: ActorSystem
  /** Told about once a second of real time. */
  readonly onProgress?: (progress: ReplayProgress) => void
  readonly signal?: AbortSignal
  /** Takes a function that tells the age of each required source; `observeAge` of telemetry fits. */
  readonly observeAge?: TelemetryHooks['observeAge']
  /** File for the log: one JSON object per line, for each accepted row and each stop. Appears when the replay has ended well, in the place of a file of that name; the name of anything else is refused. @default none */
  readonly log?: string
}

export interface ResolvedReplayOptions {
  readonly speed: number
  readonly limits: SafetyLimits
}

// Ages are compared at whole microseconds. Beyond this speed one recorded millisecond is less than that.
const HIGHEST_SPEED = 1000

/** Applies the defaults and checks the values. Throws `SwarmError` BAD_OPTION that quotes the value. */
export function resolveReplayOptions(options: ReplayOptions): ResolvedReplayOptions {
  const { speed = 1, limitMs = 50, holdMs = limitMs, clock, grid, system } = options
  if (!(speed > 0 && speed <= HIGHEST_SPEED))
    throw new SwarmError('BAD_OPTION', `speed is ${String(speed)}: give a number above 0, up to ${HIGHEST_SPEED}`)
  if (system && grid !== system.grid) throw new SwarmError('BAD_OPTION', 'system runs on another grid: give the grid it was made with')
  if (clock && grid && clock !== grid.clock) throw new SwarmError('BAD_OPTION', 'clock is not the clock of grid: leave clock out, or grid')
  return { speed, limits: resolveSafetyOptions({ limitMs, holdMs }) }
}

/** 139 years. Beyond it a number of milliseconds has no microseconds, at which ages are compared: a timer would look for ever. */
const LONGEST_MS = 2 ** 42

/** Throws `SwarmError` BAD_OPTION if a session would take longer than time can be told on a clock. */
export function checkDuration({ sessions }: Recording, speed: number): void {
  for (const { session, positions, events, eventsStartMs = 0 } of sessions) {
    const positionsMs = positions.rows === 0 ? 0 : positions.tMs[positions.rows - 1]! - positions.tMs[0]!
    const lastsMs = Math.max(positionsMs, (events.at(-1)?.tMs ?? eventsStartMs) - eventsStartMs)
    if (lastsMs / speed > LONGEST_MS)
      throw new SwarmError(
        'BAD_OPTION',
        `session ${JSON.stringify(session)} lasts ${lastsMs} ms, at speed ${speed} longer than the ${LONGEST_MS} ms that can be replayed: mend its times, leave it out, or give a higher speed`,
      )
  }
}
