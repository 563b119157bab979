import { readFileSync } from 'node:fs'
import type { Clock } from '../../time/clock.ts'

/** The machine's monotonic clock, which all its processes share until it restarts; and what it reads on this process's own clock. */
export interface MachineClock {
  /** Names the time since the machine was started: stamps of another boot cannot be compared. */
  readonly boot: string
  now(): number
  /** This process's own clock. */
  localNow(): number
  /** The local time of a stamp. One of another boot, or from the future, is as old as can be: `unknown`. */
  localOf(stampMs: number, boot: string, unknown: number): number
}

// A fraction that floating point has exactly, so that whole milliseconds stay whole.
const GRAIN = 1024

/** `machineMs` is for tests: by default the monotonic clock that Node's own is made from. */
export function createMachineClock(clock: Clock, machineMs: () => number = hrtimeMs): MachineClock {
  const offsetMs = Math.floor((machineMs() - clock.now()) * GRAIN) / GRAIN
  const boot = readBoot()
  return {
    boot,
    now: () => clock.now() + offsetMs,
    localNow: () => clock.now(),
    localOf(stampMs, of, unknown) {
      const localMs = stampMs - offsetMs
      return of === boot && localMs <= clock.now() + 1 ? localMs : unknown
    },
  }
}

function hrtimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Linux tells an id of each boot. Elsewhere a restart of the machine shows only by stamps from the future. */
function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
  } catch {
    return ''
  }
}
