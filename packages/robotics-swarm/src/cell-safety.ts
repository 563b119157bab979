import type { ActorSystem } from '@stigmergy/core'
import type { GridMap, SourceStamp } from '@stigmergy/grid'
import { createSafetyMachine, type SafetyEvent, type SafetyStop } from './cell-safety-machine.ts'
import { startWatchman } from './cell-safety-watchman.ts'
import { type SafetyAccount, spend } from './safety-account.ts'
import { resolveSafetyOptions, type SafetyOptions, type SafetyState } from './safety.ts'

export interface CellSafetyOptions<V> extends SafetyOptions {
  readonly system: ActorSystem
  /** Map and key of the required source. Only stamped puts (`WriteOptions.source`) are its readings. */
  readonly map: GridMap<V>
  readonly key: string
  /** Id of the safety agent. @default `safety-` and the key */
  readonly id?: string
  /** Whether a source that has never been heard counts as silent. @default 'from-start': it does */
  readonly required?: 'from-start' | 'from-first-reading'
  /** Who ends a stop: an operator, by `acknowledge()`, or the first fresh reading, as in a replay. @default 'operator' */
  readonly acknowledge?: 'operator' | 'when-fresh'
  /** A newer reading was accepted at that local monotonic time. */
  readonly onReading?: (stamp: SourceStamp, acceptedAtMs: number) => void
  readonly onState?: (state: SafetyState, atMs: number) => void
  readonly onStop?: (stop: SafetyStop) => void
}

/** The running safety of one cell. */
export interface CellSafety {
  readonly state: SafetyState
  /** Events that the agent did not take; anything but 0 is a failure of the safety itself. */
  readonly lost: number
  /** An operator acknowledges the stop. Does nothing unless the source is fresh. */
  acknowledge(): void
  /** The source is required no longer, from the reading with this stamp on (without one: from now on). */
  release(after?: SourceStamp): void
  /** The account up to the release, else up to `close()`. Never rejects. */
  readonly ended: Promise<SafetyAccount>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Stops a cell when its required source has been silent for too long (RUN, HOLD, STOP: see `SafetyState`). The state is an agent's.
 * Source age is judged by a timer and at every newer reading, by local monotonic time alone (I4).
 * An operational stop, not a rated safety channel. Throws `SwarmError` BAD_OPTION.
 */
export async function openCellSafety<V>(options: CellSafetyOptions<V>): Promise<CellSafety> {
  const { system, map, key, acknowledge = 'operator', required = 'from-start' } = options
  const limits = resolveSafetyOptions(options)
  const { clock } = system
  const requiredFromMs = required === 'from-start' ? clock.now() : undefined
  let state: SafetyState = 'RUN'
  let lost = 0
  let released = false
  let newest: { readonly stamp: SourceStamp; readonly atMs: number } | undefined
  let last: SourceStamp | undefined
  let settle: (account: SafetyAccount) => void = () => {}
  const ended = new Promise<SafetyAccount>((resolve) => (settle = resolve))

  const machine = createSafetyMachine({
    limits,
    requiredFromMs,
    acknowledge,
    now: () => clock.now(),
    onState(next, atMs) {
      state = next
      options.onState?.(next, atMs)
    },
    onStop: (stop) => options.onStop?.(stop),
    onReleased: (account) => settle(account),
  })
  const agent = await system.spawn(machine, { id: options.id ?? `safety-${key}`, mailbox: { capacity: 65_536 } })
  const tell = (event: SafetyEvent): void => {
    if (!agent.send(event)) lost++
  }
  const release = (atMs: number): void => {
    if (released) return
    released = true
    watchman.close()
    tell({ type: 'source.released', atMs })
  }
  const releaseIfReached = (): void => {
    if (newest && last && newest.stamp.epoch === last.epoch && newest.stamp.seq >= last.seq) release(newest.atMs)
  }
  const watchman = startWatchman({
    clock,
    map,
    key,
    limits,
    requiredFromMs,
    onReading({ acceptedAtMs }, stamp) {
      options.onReading?.(stamp, acceptedAtMs)
      tell({ type: 'source.accepted', atMs: acceptedAtMs, stamp })
      newest = { stamp, atMs: acceptedAtMs }
      releaseIfReached()
    },
    onSilence: ({ acceptedAtMs, stamp }, ageMs, atMs) => tell({ type: 'source.checked', atMs, ageMs, acceptedAtMs, stamp }),
  })

  const safety: CellSafety = {
    get state() {
      return state
    },
    get lost() {
      return lost
    },
    acknowledge: () => tell({ type: 'operator.acknowledged', atMs: clock.now() }),
    release(after) {
      if (!after) return release(clock.now())
      last = after
      releaseIfReached()
    },
    ended,
    async close() {
      watchman.close()
      const { account, sinceMs } = agent.snapshot.context
      settle(sinceMs === undefined ? account : spend(account, state, clock.now() - sinceMs))
      await agent.stop()
    },
    [Symbol.asyncDispose]: () => safety.close(),
  }
  return safety
}
