import type { ActorSystem, AgentInfo, CoreHooks, TransitionEnd } from '@stigmergy/core'
import type { TraceContext } from '@stigmergy/grid'
import { createLabels } from '../labels.ts'
import { transitionSeconds } from '../stages.ts'
import { quote } from '../options.ts'
import { describeThrown } from '../thrown.ts'
import { createAlarmMetrics } from './alarm-metrics.ts'
import { RaisedAlarms, type Alarm, type AlarmEvent, type AlarmKind } from './alarm.ts'
import { AgentsAlive } from './agents-alive.ts'
import { DriftWatch, type Drifter, type DriftReading } from './drift.ts'
import { ErrorWatch } from './error-watch.ts'
import { callGuest } from './guest.ts'
import { planned, resolveAlarmsOptions, type AlarmsOptions } from './options.ts'
import { SloWatch } from './slo-watch.ts'
import { QuietLook } from './quiet-look.ts'
import type { InfectedFailure } from './spread.ts'

const MOST_TELLING = 1000

/** A decision of an agent, as it tells it. */
export interface Decision {
  /** What was decided, of low cardinality: `assign`, `reroute`, `wait`. A number is taken for its text. */
  readonly action: string
  /** The kind of situation it was decided in. Each has a baseline of its own, so that other situations are no drift. */
  readonly stratum?: string
  /** What it was decided on: each entry's or map's age in milliseconds, by the clock of this process (I4). */
  readonly readAgesMs?: readonly number[]
  /** @default none */
  readonly trace?: TraceContext | undefined
}

/** The cognitive alarms of a process. Nothing here throws or waits (I7). */
export interface Alarms {
  /** For `system.use(alarms.core)`: latencies, failures and, by `decisionOf`, decisions are seen by themselves. */
  readonly core: CoreHooks
  /** Tells a decision. A stale one is told to the listeners before this returns: the agent can still do otherwise. False: it is stale. */
  decided(agent: Pick<AgentInfo, 'id' | 'type'>, decision: Decision): boolean
  /** `listener` is called with each alarm, on the stack of what raised it; one that throws or rejects is counted. Returns the end of it. */
  on(listener: (alarm: Alarm) => unknown): () => void
  /** Sends alarms to agents as an {@link AlarmEvent}: to the ids that `to` gives for it. Returns the end of it. */
  notify(system: Pick<ActorSystem, 'send'>, to: (alarm: Alarm) => readonly string[]): () => void
  /** Learns a new baseline for this kind of decision, after a change that was meant. Clears what was raised against the one before. */
  relearn(agentType: string, stratum?: string): void
  /** Those raised and not cleared. */
  readonly active: readonly Alarm[]
  /** The failures of the last minute with what caused them, oldest first: the tree of an infection. */
  readonly failures: readonly InfectedFailure[]
  /** Errors thrown so far by listeners and by what keeps the baselines, promises of theirs that were rejected, and decisions without an action. */
  readonly guestErrors: number
  close(): void
}

/** Throws `TelemetryError` BAD_OPTION. */
export function createAlarms(options: AlarmsOptions): Alarms {
  const settings = resolveAlarmsOptions(options)
  const { clock, base, stale } = settings
  const policy = base.policyVersion ?? ''
  const raised = new RaisedAlarms()
  const listeners = new Set<Parameters<Alarms['on']>[0]>()
  let guestErrors = 0
  const failed = (): void => void guestErrors++

  const tell = (alarm: Alarm | undefined): void => {
    if (alarm === undefined) return
    metrics.told(alarm)
    const { trace, kind, state } = alarm
    if (state === 'raised' && (kind === 'drift' || kind === 'slo')) quiet.begin()
    if (state === 'raised' && trace !== undefined) callGuest(() => settings.keep?.(trace, keepReason(kind)), failed)
    for (const listener of listeners) callGuest(() => listener(alarm), failed)
  }
  const judge = (above: boolean, alarm: Omit<Alarm, 'state' | 'atMs'>): void => {
    const told = Object.freeze({ ...alarm, state: above ? ('raised' as const) : ('cleared' as const), atMs: clock.now() })
    tell(above ? raised.raise(told) : raised.clear(told))
  }
  const drift = new DriftWatch(settings.drift, settings.baselines)
  const errors = new ErrorWatch(settings.errors, clock, judge)
  const slo = new SloWatch(settings.slo, judge, (line) => callGuest(() => settings.warn(line), failed))
  const metrics = createAlarmMetrics(settings.instruments, createLabels(base, settings.maxLabelValues), {
    active: () => raised.all,
    reproduction: () => errors.reproduction,
    unwatched: () => drift.unwatched,
    hasObjective: (type) => settings.slo.has(type),
  })

  const calm = ({ agentType, agentId }: Drifter, why: string): void => {
    const message = `${agentType} ${agentId ?? '(ended)'}: ${why}`
    judge(false, { kind: 'drift', agentType, agentId, value: 0, limit: drift.limit, trace: undefined, message })
  }
  const quiet = new QuietLook(clock, (nowMs) => {
    for (const drifter of drift.quiet(nowMs)) calm(drifter, 'nothing of that kind was decided for a long time')
    slo.quiet(nowMs)
    return raised.all.some(({ kind }) => kind === 'drift' || kind === 'slo')
  })

  const alive = new AgentsAlive()
  /** The agent whose end is being told: it can take no event any more. */
  let ending: string | undefined
  // What another region decides is no baseline of this one.
  const kindOf = (agentType: string, stratum = ''): string =>
    JSON.stringify([agentType, policy, stratum, ...(base.region === undefined ? [] : [base.region])])

  const judgeDrift = ({ id, type }: Pick<AgentInfo, 'id' | 'type'>, reading: DriftReading, trace: TraceContext | undefined): void => {
    const { sum, limit, drifting, baselineVersion, sigma, ofEnded } = reading
    const who = ofEnded ? `agents of type ${type} that have ended` : `${type} ${id}`
    const message = drifting
      ? `decisions of ${who} are not those of baseline ${baselineVersion}: ${sigma.toFixed(1)} sigma, sum ${sum.toFixed(1)} of ${limit.toFixed(1)}`
      : `decisions of ${who} are those of baseline ${baselineVersion} again`
    judge(drifting, { kind: 'drift', agentType: type, agentId: ofEnded ? undefined : id, value: sum, limit, trace, message })
  }
  const watchDrift = (agent: AgentInfo, { action, stratum, trace }: Decision): void => {
    const reading = drift.decided(kindOf(agent.type, stratum), agent.type, agent.id, nameOf(action), clock.now())
    if (reading === undefined) return
    if (!reading.ofEnded) metrics.drift(agent, reading.sigma)
    judgeDrift(agent, reading, trace)
  }

  const judged: Alarms['decided'] = ({ id, type }, decision) => {
    const agent: AgentInfo = { id, type, stage: undefined }
    metrics.decides(agent)
    // Whoever keeps the baselines is a guest, and what it gives may be anything: a stale decision is told nevertheless.
    callGuest(() => watchDrift(agent, decision), failed)
    const ageMs = oldest(decision.readAgesMs ?? [])
    // An age that is no number is not known: that is not fresh.
    if (ageMs <= stale.maxAgeMs) return true
    metrics.stale(agent)
    const message = `${type} ${id} decided on a world that is ${ageMs} ms old; the limit is ${stale.maxAgeMs} ms`
    const alarm = { kind: 'stale', state: 'raised', agentType: type, agentId: id, value: ageMs, limit: stale.maxAgeMs } as const
    tell(Object.freeze({ ...alarm, atMs: clock.now(), trace: decision.trace, message }))
    return false
  }
  /** Types whose agents say themselves what they decide: the states they enter are no decisions beside those. Bounded (I6). */
  const telling = new Set<string>()
  // What is no decision was made on nothing that is known. It is called in agents' actions, which must not fail by it (I7).
  const decided: Alarms['decided'] = (agent, decision) => {
    const answer = callGuest(() => {
      if (telling.size < MOST_TELLING) telling.add(agent.type)
      return judged(agent, decision)
    }, failed)
    return answer ?? false
  }
  const actionOf = (end: TransitionEnd): string | undefined => {
    if (settings.decisionOf !== undefined) return settings.decisionOf(end)
    return telling.has(end.agent.type) ? undefined : planned(end)
  }

  const core: CoreHooks = {
    onSpawn(agent) {
      metrics.decides(agent)
      alive.began(agent)
      drift.began(agent.id)
    },
    onTransitionEnd(end) {
      errors.ended(end)
      // It may have been there before anybody looked.
      alive.seen(end.agent)
      if (end.error !== undefined) return
      const seconds = transitionSeconds(end)
      // A plan is not sooner made for what is ignored on the way.
      if (!end.ignored && slo.finished(end.agent.type, seconds, end.context ?? end.trace, end.endedAtMs)) metrics.breach(end.agent)
      const action = actionOf(end)
      if (action !== undefined) callGuest(() => judged(end.agent, { action, trace: end.context ?? end.trace }), failed)
    },
    onFailure({ agent, error, trace }) {
      errors.failed({ agentId: agent.id, agentType: agent.type, trace, atMs: clock.now(), message: describeThrown(error) })
    },
    onStop(agent) {
      const left = alive.ended(agent)
      if (left.ofType === 0) slo.ended(agent.type)
      // Another system has one of that id.
      if (left.ofId > 0) return
      const readings = callGuest(() => drift.forget(agent.id, agent.type), failed) ?? []
      for (const reading of readings) judgeDrift(agent, reading, undefined)
      metrics.forget(agent)
      ending = agent.id
      for (const { kind, agentType, ...alarm } of raised.forget(agent.id)) {
        const message = `${kind} of ${agentType} ${agent.id} is over: it has ended`
        tell(Object.freeze({ ...alarm, kind, agentType, state: 'cleared', atMs: clock.now(), message }))
      }
      ending = undefined
    },
  }

  const on: Alarms['on'] = (listener) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    core,
    decided,
    on,
    notify: (system, to) =>
      on((alarm) => {
        const event: AlarmEvent = { type: alarm.state === 'raised' ? 'alarm.raised' : 'alarm.cleared', alarm }
        for (const id of to(alarm)) if (id !== ending) system.send(id, event, { trace: alarm.trace })
      }),
    relearn(agentType, stratum) {
      for (const agentId of drift.relearn(kindOf(agentType, stratum))) calm({ agentType, agentId }, 'a new baseline is learned')
    },
    get active() {
      return raised.all
    },
    get failures() {
      return errors.failures
    },
    get guestErrors() {
      return guestErrors
    },
    close() {
      listeners.clear()
      errors.close()
      quiet.close()
      metrics.close()
    },
  }
}

/** As a baseline names it: a policy without types may give the number of an action. Throws `TypeError` where there is none. */
function nameOf(action: unknown): string {
  if (typeof action === 'string') return action
  if (typeof action === 'number' || typeof action === 'boolean') return String(action)
  throw new TypeError(`an action is a text, not ${quote(action)}`)
}

function keepReason(kind: AlarmKind): 'drift' | 'stale' | 'error' | 'slo' {
  return kind === 'errors' || kind === 'spread' ? 'error' : kind
}

/** One that is no number makes it none. Of none at all: minus infinity. Not by a spread: a world may have more entries than a call arguments. */
function oldest(agesMs: unknown): number {
  if (!Array.isArray(agesMs)) return NaN
  let oldestMs = -Infinity
  for (const ageMs of agesMs as unknown[]) oldestMs = Math.max(oldestMs, typeof ageMs === 'number' ? ageMs : NaN)
  return oldestMs
}
