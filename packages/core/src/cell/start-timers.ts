import type { AnyActor, AnyMachineSnapshot } from 'xstate'
import type { Host } from './host.ts'
import { waitOf, type TimerClocks } from './timer-policy.ts'
import { childrenBelow, isAt, type PendingTimer } from './timers.ts'
import { AFTER } from './tree.ts'

/**
 * Starts the timers of a restored agent and of the machines among its children, each by its policy: XState restores
 * none of them, and an agent restored into a state with `after` would wait there for ever (I8). They are started in the order in which they
 * are due, so that several that are overdue come in it. Throws what a delay throws.
 */
export function startTimers(host: Host, restored: boolean, clocks: TimerClocks): void {
  const timers = host.unarmed ?? []
  if (restored) {
    const actors: readonly (readonly [AnyActor, readonly string[]])[] = [[host.self as AnyActor, []], ...childrenBelow(host.self, [])]
    const found = (to: readonly string[]): AnyActor | undefined => actors.find(([, at]) => at.join('\n') === to.join('\n'))?.[0]
    const due = actors.flatMap(([actor, path]) => {
      const own = timers.filter((timer) => isAt(timer, path))
      return startingOf(actor, own, clocks, found)
    })
    // Of one moment they come as they were armed; what has none so far comes last.
    const armed = new Map(timers.map((timer, at) => [timer, at]))
    const place = ({ kept }: Starting): number => (kept && armed.get(kept)) ?? timers.length
    due.sort((a, b) => a.waitMs - b.waitMs || place(a) - place(b))
    for (const { actor, target, timer, waitMs } of due) {
      const { event, delayMs, id, trace } = timer
      host.system.schedule(actor, target, event, delayMs, id, clocks.now() + waitMs, trace)
    }
  }
  host.settled()
  host.unarmed = undefined
}

interface Starting {
  readonly actor: AnyActor
  readonly target: AnyActor
  readonly timer: PendingTimer
  /** As it was stored. Undefined: it is of a state that had none. */
  readonly kept: PendingTimer | undefined
  readonly waitMs: number
}

function startingOf(
  actor: AnyActor,
  timers: readonly PendingTimer[],
  clocks: TimerClocks,
  found: (to: readonly string[]) => AnyActor | undefined,
): readonly Starting[] {
  const snapshot = actor.getSnapshot() as Partial<AnyMachineSnapshot> | undefined
  if (snapshot?._nodes === undefined || snapshot.status !== 'active') return []
  const due: Starting[] = []
  const start = (timer: PendingTimer, kept: PendingTimer | undefined, target: AnyActor): void => {
    due.push({ actor, target, timer, kept, waitMs: waitOf(timer, clocks) })
  }
  const armed = armedAfters(snapshot as AnyMachineSnapshot)
  const known = matched([...armed.keys()], timers)
  for (const [type, delay] of armed) {
    const kept = known.get(type)
    if (kept?.spent === true) continue
    // As it was when it was armed: a delay may depend on an event that is gone. A state that was migrated may have others.
    const delayMs = kept?.delayMs ?? delayOf(actor, snapshot as AnyMachineSnapshot, delay)
    // What is no number is no timer: so XState has it too.
    if (typeof delayMs === 'number') start({ ...kept, id: type, event: { type }, delayMs }, kept, actor)
  }
  for (const timer of timers) {
    if (timer.event.type.startsWith(AFTER)) continue
    const target = timer.to === undefined ? actor : found(timer.to)
    if (target !== undefined) start(timer, timer, target)
  }
  return due
}

/** The events of `after` in the states it is in, each with its delay. */
function armedAfters({ _nodes }: AnyMachineSnapshot): ReadonlyMap<string, unknown> {
  const armed = new Map<string, unknown>()
  for (const node of _nodes) for (const { eventType, delay } of node.after) if (!armed.has(eventType)) armed.set(eventType, delay)
  return armed
}

/**
 * What is kept of each. The event's name holds the delay and the state's id: where a migration, or another id of the machine, gave the state a new
 * name, the one that still waits of a state that is gone goes to the one of the same delay, if there is just one of both. One that has fired
 * has fired in its own state only: in another one the agent may have nothing else to wait for.
 */
function matched(types: readonly string[], timers: readonly PendingTimer[]): ReadonlyMap<string, PendingTimer> {
  const afters = new Map(timers.filter(({ event }) => event.type.startsWith(AFTER)).map((timer) => [timer.event.type, timer]))
  const found = new Map<string, PendingTimer>()
  for (const type of types) {
    const timer = afters.get(type)
    if (timer !== undefined) found.set(type, timer)
  }
  const left = [...afters.values()].filter(({ event, spent }) => spent !== true && !found.has(event.type))
  const news = types.filter((type) => !found.has(type))
  for (const type of news) {
    const alike = left.filter((timer) => delayIn(timer.event.type) === delayIn(type))
    const rivals = news.filter((other) => delayIn(other) === delayIn(type))
    if (alike.length === 1 && rivals.length === 1) found.set(type, alike[0] as PendingTimer)
  }
  return found
}

/** `xstate.after.DELAY.STATE`: what stands there for the delay. */
function delayIn(type: string): string {
  return type.slice(AFTER.length).split('.', 1)[0] as string
}

function delayOf(actor: AnyActor, snapshot: AnyMachineSnapshot, delay: unknown): unknown {
  const config: unknown = typeof delay === 'string' ? snapshot.machine.implementations.delays[delay] : delay
  const args = { context: snapshot.context, event: { type: 'xstate.init' }, self: actor, system: actor.system }
  return typeof config === 'function' ? (config as (args: unknown) => unknown)(args) : config
}
