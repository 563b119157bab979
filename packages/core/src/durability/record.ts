import type { AnyActor, AnyMachineSnapshot, AnyStateMachine, Snapshot } from 'xstate'
import type { Host } from '../cell/host.ts'
import { noteVersions } from './child-versions.ts'
import type { OutboxEntry } from './outbox.ts'
import { isEmpty } from '../cell/slim.ts'
import { capturing } from '../cell/wrap.ts'
import type { SeenRow } from '../mailbox/seen.ts'
import type { TimerClocks } from '../cell/timer-policy.ts'
import { pendingTimers, type PendingTimer } from '../cell/timers.ts'

/** What a checkpoint holds. */
export interface AgentRecord {
  readonly machineType: string
  readonly machineVersion: string | undefined
  /** As XState persists it: value, context, history, children. */
  readonly snapshot: PersistedSnapshot
  readonly timers: readonly PendingTimer[]
  /** What it was sent before. */
  readonly seen?: readonly SeenRow[]
  /** Ids of events it has handled, oldest first (see `mailbox.dedup`). */
  readonly ids?: readonly string[]
  /** The number of its newest effect, and the effects that are not done. */
  readonly seq?: number
  readonly outbox?: readonly OutboxEntry[]
}

export type PersistedSnapshot = Snapshot<unknown> & { children?: Record<string, { snapshot: PersistedSnapshot }>; context?: unknown }

/**
 * The state to keep of a running agent: `snapshot` may be older than the one the actor holds, never newer.
 * `failedChild`: the child whose error made the agent fail; it is kept as it was before, so that it starts again with the agent.
 * Throws `CoreError` BAD_STATE if it cannot be captured.
 */
export function captureRecord(
  host: Host,
  machine: AnyStateMachine,
  machineType: string,
  snapshot: AnyMachineSnapshot,
  failedChild: string | undefined,
  { seen = [], ids = [] }: { readonly seen: readonly SeenRow[] | undefined; readonly ids: readonly string[] | undefined },
  clocks: TimerClocks,
): AgentRecord {
  const persisted = capturing(host.id, () => persist(machine, snapshot))
  const kept = failedChild === undefined ? undefined : persisted.children?.[failedChild]
  if (failedChild !== undefined && kept?.snapshot.status === 'error') {
    const { options } = snapshot.children[failedChild] as AnyActor
    // A failed promise has forgotten its input; the actor has not.
    const input: unknown = options.input ?? (options.snapshot as { input?: unknown } | undefined)?.input
    Object.assign(kept, { again: true, snapshot: { ...kept.snapshot, status: 'active', error: undefined, input } })
  }
  return {
    machineType,
    machineVersion: machine.version,
    snapshot: persisted,
    timers: pendingTimers(host, clocks),
    ...(seen.length > 0 && { seen }),
    ...(ids.length > 0 && { ids }),
  }
}

/** True if there is nothing in it but a state of the machine and a context. */
export function isPlain({ children, historyValue }: AnyMachineSnapshot): boolean {
  return isEmpty(children) && isEmpty(historyValue)
}

/** A snapshot without children, history or actors as XState persists it. */
function short({ status, output, error, value, historyValue, context, children }: AnyMachineSnapshot): PersistedSnapshot {
  return { status, output, error, value, historyValue, context, children } as unknown as PersistedSnapshot
}

/** What `machine.getPersistedSnapshot` gives. On the path of every checkpoint, so a snapshot without children or history goes the short way. */
function persist(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): PersistedSnapshot {
  const { context, children } = snapshot
  if (isPlain(snapshot) && !holdsActor(context)) return short(snapshot)
  refuseInline(children as Readonly<Record<string, AnyActor | undefined>>)
  const persisted = machine.getPersistedSnapshot(snapshot) as PersistedSnapshot
  noteVersions(persisted, children)
  return persisted
}

/** XState refuses them in its development build only; in the other the state cannot be restored. */
function refuseInline(children: Readonly<Record<string, AnyActor | undefined>>): void {
  for (const [id, child] of Object.entries(children)) {
    if (typeof child?.src !== 'string') {
      throw new TypeError(
        `the inline child ${JSON.stringify(id)} cannot be stored: name its logic in setup({ actors }), and spawn it by name`,
      )
    }
    const below = (child.getSnapshot() as Partial<AnyMachineSnapshot> | undefined)?.children
    if (below !== undefined) refuseInline(below as Readonly<Record<string, AnyActor | undefined>>)
  }
}

// Deeper than this it may be a circle: from there on each object is looked at once.
const DEEP = 32

// XState's own test for a reference to an actor; it stores a mark instead. On the path of every checkpoint.
function holdsActor(part: object, depth = 0, seen?: Set<object>): boolean {
  const once = depth < DEEP ? seen : (seen ?? new Set<object>())
  if (once?.has(part) === true) return false
  once?.add(part)
  // Its index as text is what makes an array dear.
  if (Array.isArray(part)) return part.some((value: unknown) => isOrHoldsActor(value, depth, once))
  for (const key in part) if (isOrHoldsActor((part as Record<string, unknown>)[key], depth, once)) return true
  return false
}

function isOrHoldsActor(value: unknown, depth: number, once: Set<object> | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false
  return ('sessionId' in value && 'send' in value && 'ref' in value) || holdsActor(value, depth + 1, once)
}
