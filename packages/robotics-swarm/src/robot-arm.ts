import type { Clock, TraceContext } from '@stigmergy/grid'

/** What an arm tells its robot about one part. */
export interface ArmReport {
  readonly type: 'picked' | 'placed'
  readonly part: string
}

/**
 * The adapter to an arm. It takes each part id once: a repeated command moves nothing and is answered with what already
 * happened, so a robot that was restarted in mid-pick can ask again without picking twice.
 */
export interface RobotArm {
  /** Gives up a part whose robot has failed for good. 'free': it still lies on the belt; 'taken': the arm has it. */
  abandon(part: string): 'free' | 'taken'
  /** Starts a pick and place. False if this part was commanded before; its reports come again from where it stands. */
  pick(part: string, trace: TraceContext | undefined): boolean
  /** Parts that were picked, and repeated commands that were refused. */
  readonly picks: number
  readonly refused: number
  close(): void
}

type Job = 'moving' | 'picked' | 'placed'

// Ids of the newest jobs are kept to refuse repeats; a part this far back is long off the belt (I6).
const REMEMBERED_JOBS = 4096

/** A simulated arm: picks for `graspShare` of the pick time, places for the rest. */
export function createSimulatedArm(options: {
  readonly clock: Clock
  /** Draws the whole time of one pick and place, in milliseconds. */
  readonly pickTimeMs: () => number
  /** @default 0.6 */
  readonly graspShare?: number
  readonly report: (report: ArmReport, trace: TraceContext | undefined) => void
}): RobotArm {
  const { clock, pickTimeMs, report, graspShare = 0.6 } = options
  const jobs = new Map<string, Job>()
  const timers = new Set<unknown>()
  let picks = 0
  let refused = 0
  const after = (delayMs: number, fn: () => void): void => {
    const timer: unknown = clock.setTimeout(() => {
      timers.delete(timer)
      fn()
    }, delayMs)
    timers.add(timer)
  }
  return {
    pick(part, trace) {
      const job = jobs.get(part)
      if (job !== undefined) {
        refused += 1
        if (job !== 'moving') report({ type: 'picked', part }, trace)
        if (job === 'placed') report({ type: 'placed', part }, trace)
        return false
      }
      jobs.set(part, 'moving')
      if (jobs.size > REMEMBERED_JOBS) jobs.delete(jobs.keys().next().value as string)
      const totalMs = pickTimeMs()
      after(totalMs * graspShare, () => {
        if (jobs.get(part) !== 'moving') return
        jobs.set(part, 'picked')
        picks += 1
        report({ type: 'picked', part }, trace)
        after(totalMs * (1 - graspShare), () => {
          jobs.set(part, 'placed')
          report({ type: 'placed', part }, trace)
        })
      })
      return true
    },
    abandon(part) {
      if (jobs.get(part) !== 'moving') return jobs.has(part) ? 'taken' : 'free'
      jobs.delete(part)
      return 'free'
    },
    get picks() {
      return picks
    },
    get refused() {
      return refused
    },
    close() {
      for (const timer of timers) clock.clearTimeout(timer)
      timers.clear()
    },
  }
}
