import type { ActorSystem } from '@stigmergy/core'
import { type CellSafety, openCellSafety } from '../cell-safety.ts'
import type { SessionRecording } from '../recording/recording.ts'
import type { SafetyAccount } from '../safety-account.ts'
import type { SafetyLimits } from '../safety.ts'
import type { Stream } from './feed.ts'
import type { ReplayLog } from './replay-log.ts'
import { OK_BELOW_MM, type ReplayMaps } from './replay-maps.ts'
import type { ReplayRobotMachine } from './replay-robot.ts'

export interface ReplayCellOptions {
  readonly system: ActorSystem
  readonly maps: ReplayMaps
  /** The robots of all cells share one: each machine has its own tables of transitions. */
  readonly robot: ReplayRobotMachine
  readonly limits: SafetyLimits
  readonly log: ReplayLog | undefined
  /** An agent's write failed. */
  readonly onError: (error: unknown) => void
}

/** One recorded session at work: a robot agent, a safety agent, and the two streams that move them. */
export interface ReplayCell {
  readonly session: string
  readonly streams: readonly Stream[]
  readonly safety: CellSafety | undefined
  /** Stops so far. */
  readonly stops: number
  /** Account of the safety once the robot's stream has ended. */
  readonly account: SafetyAccount | undefined
  /** Ends its agents. */
  close(): Promise<void>
}

/** Only the robot writes its stamps, and it starts once: one epoch. */
const EPOCH = 1

export async function openReplayCell(recorded: SessionRecording, options: ReplayCellOptions): Promise<ReplayCell> {
  const { session, positions, events } = recorded
  const { system, maps, limits, log, onError } = options
  const { robots, parts, gates, quality, safety: states } = maps
  let stops = 0
  let account: SafetyAccount | undefined

  // Left by an earlier replay on the same grid: its stamps would make the new readings old ones.
  await Promise.all([robots, gates, quality, states].map((map) => map.remove(session)))
  const robot = await system.spawn(options.robot, {
    id: `robot-${session}`,
    watch: {
      // The robot wants to know where it is now; every position is counted elsewhere.
      robots: { map: robots, key: session, coalesce: true },
      gates: { map: gates, key: session },
      quality: { map: quality, key: session },
      safety: { map: states, key: session },
    },
  })
  const safety =
    positions.rows === 0
      ? undefined
      : await openCellSafety({
          system,
          map: robots,
          key: session,
          ...limits,
          required: 'from-first-reading',
          acknowledge: 'when-fresh',
          onReading: ({ seq }, acceptedAtMs) =>
            log?.write({ type: 'row', session, seq, recordedMs: positions.tMs[seq] ?? NaN, acceptedAtMs }),
          onState: (state) => void states.put(session, { state }).catch(onError),
          onStop({ after, atMs, ageMs, seenBy }) {
            stops++
            log?.write({ type: 'stop', session, afterSeq: after?.seq ?? -1, atMs, ageMs, seenBy })
          },
        })
  safety?.release({ epoch: EPOCH, seq: positions.rows - 1 })
  void safety?.ended.then((final) => (account = final))

  let discs = 0
  const bringDisc = async (): Promise<void> => {
    const disc = `${session}/${++discs}`
    await parts.put(disc, { session })
    await gates.put(session, { disc })
  }
  const positionStream: Stream = {
    rows: positions.rows,
    offsetMs: (row) => positions.tMs[row]! - positions.tMs[0]!,
    put: (row) =>
      robots.put(
        session,
        { xM: positions.xM[row]!, yM: positions.yM[row]!, zM: positions.zM[row]!, status: positions.status[row]! },
        { source: { epoch: EPOCH, seq: row } },
      ),
  }
  const eventStream: Stream = {
    rows: events.length,
    offsetMs: (row) => events[row]!.tMs - (recorded.eventsStartMs ?? 0),
    put(row) {
      const event = events[row]!
      if (event.type === 'disc') return bringDisc()
      return quality.put(session, { distanceMm: event.distanceMm, ok: event.distanceMm < OK_BELOW_MM })
    },
  }
  return {
    session,
    streams: [positionStream, eventStream],
    safety,
    get stops() {
      return stops
    },
    get account() {
      return safety ? account : { stops: 0, msInRun: 0, msInHold: 0, msInStop: 0 }
    },
    async close() {
      await Promise.all([robot.stop(), safety?.close()])
    },
  }
}
