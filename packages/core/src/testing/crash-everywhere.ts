import { isDeepStrictEqual } from 'node:util'
import { createVirtualClock } from '@stigmergy/grid'
import { assign, setup, type AnyStateMachine, type EventFromLogic } from 'xstate'
import type { Actuator } from '../durability/doer.ts'
import type { CoreHooks } from '../hooks.ts'
import { send } from '../durability/effect.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import { SeenEffects } from '../mailbox/seen.ts'
import { checkOptions, driverOf, type CrashEverywhereOptions } from './crash-options.ts'
import { COMMIT_POINTS, createDisk, type CommitPoint } from './disk.ts'
import { startNode, type SimulatedNode } from './node.ts'
import { heardBy, probe } from './probe.ts'
import { createRandom } from './random.ts'
import type { NoneGiven, NoOptions, RequiredInput } from '../spawn.ts'
import { createSharedGrid } from './shared-grid.ts'

export interface CrashReport {
  /** Runs with a crash: one for each moment of the run without. */
  readonly runs: number
  readonly points: Readonly<Record<CommitPoint, number>>
  /** Where a run with a crash did something else than the run without. Empty: the machine survives a crash anywhere. */
  readonly violations: readonly string[]
}

/** What was seen from outside: commands by actuator, messages by peer, entries by map. */
interface Seen {
  readonly commands: Readonly<Record<string, readonly unknown[]>>
  readonly messages: Readonly<Record<string, readonly unknown[]>>
  readonly entries: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly finished: boolean
  /** What went wrong by itself. */
  readonly faults: readonly string[]
}

/** Time for a crashed process to be started anew. */
const RESTART_MS = 20
/** Time in which a crash is made good. */
const CATCH_UP_MS = 500
/** Time that is looked at after that. */
const SETTLE_MS = 1000

/**
 * Kills the process at every moment of a commit, one run for each, and holds what the world saw against a run without a crash: each
 * command and message once and in order, and the same entries in the end. `machine` runs as an agent with `durability: 'gated'` and is
 * given `events`, which must be data. Throws `CoreError` BAD_MACHINE or BAD_OPTION. What it does by functions of its own, not by `send`, `put` and `command`, is not seen.
 */
export function crashEverywhere<TLogic extends AnyStateMachine>(
  machine: TLogic,
  events: readonly EventFromLogic<TLogic>[],
  options: (CrashEverywhereOptions<TLogic> & RequiredInput<TLogic>) | NoneGiven<TLogic>,
): Promise<CrashReport>
export function crashEverywhere<TLogic extends AnyStateMachine>(
  machine: TLogic,
  events: readonly EventFromLogic<TLogic>[],
  ...none: NoOptions<TLogic>
): Promise<CrashReport>
export async function crashEverywhere(
  machine: AnyStateMachine,
  events: readonly AgentEvent[],
  options: CrashEverywhereOptions = {},
): Promise<CrashReport> {
  checkOptions(machine, events, options)
  const reached: CommitPoint[] = []
  const expected = await run(machine, events, hasty(options), (point) => {
    reached.push(point)
    return false
  })
  const points = Object.fromEntries(COMMIT_POINTS.map((point) => [point, 0])) as Record<CommitPoint, number>
  // Where nobody is named who could hear it, nothing would be compared.
  const violations = expected.faults.map((text) => `without a crash: ${text}`)
  for (const [at, point] of reached.entries()) {
    let count = 0
    const seen = await run(machine, events, options, () => count++ === at)
    points[point] += 1
    for (const text of differences(expected, seen)) violations.push(`killed at moment ${at} (${point}): ${text}`)
  }
  return { runs: reached.length, points, violations }
}

/** Where nothing goes wrong, nothing needs to be tried for long. */
function hasty(options: CrashEverywhereOptions): CrashEverywhereOptions {
  const { settleMs = SETTLE_MS, spawn } = options
  return { ...options, spawn: { ...spawn, gate: { ...spawn?.gate, giveUpMs: (CATCH_UP_MS + settleMs) / 3 } } }
}

async function run(
  machine: AnyStateMachine,
  events: readonly AgentEvent[],
  options: CrashEverywhereOptions,
  dies: (point: CommitPoint) => boolean,
): Promise<Seen> {
  const { id = machine.id, input, peers = [], maps = [], everyMs = 50, settleMs = SETTLE_MS, seed = 1 } = options
  const random = createRandom(seed)
  const clock = createVirtualClock()
  const disk = createDisk({ clock, random, wrote: () => undefined })
  const shared = createSharedGrid(clock, random, () => undefined)
  const commands: Record<string, unknown[]> = Object.fromEntries((options.actuators ?? []).map((name) => [name, []]))
  const actuators = Object.fromEntries(Object.entries(commands).map(([name, done]) => [name, listening(done)]))
  const driver = createDriver(id, events, everyMs)
  let dead = false
  const faults = new Set<string>()
  const hooks: CoreHooks = {
    onFailure: ({ agent, event, error }) => void faults.add(`agent ${agent.id} broke on ${event}: ${String(error)}`),
    onDeadLetter: ({ agentId, event, reason }) => void faults.add(`${event.type} to ${agentId} was not taken: ${reason}`),
  }

  const start = async (name: string): Promise<SimulatedNode> => {
    const own = { name, clock, random, disk, shared, actuators, hooks, offsetMs: 0, skewMs: 0 }
    const node = await startNode({ ...own, dies, died: () => (dead = true) })
    const { system } = node
    for (const map of maps) node.grid.map(map)
    const spawn = async (): Promise<void> => {
      for (const peer of peers) await system.spawn(probe(), { id: peer, durability: 'gated' })
      await system.spawn(machine, { ...options.spawn, id, durability: 'gated', ...(input === undefined ? {} : { input: input as never }) })
      await system.spawn(driver, { id: driverOf(id), durability: 'gated' })
    }
    // A process that dies meanwhile never answers: nobody waits for it.
    void spawn().catch((error: unknown) => dead || faults.add(`it did not start: ${String(error)}`))
    return node
  }

  let node = await start('first')
  // The pause after the last event begins anew with the process.
  const untilMs = clock.now() + (events.length + 2) * everyMs + CATCH_UP_MS + settleMs
  while (clock.now() < untilMs) {
    await clock.advance(RESTART_MS)
    if (!dead) continue
    dead = false
    node = await start('second')
  }
  const { system, grid } = node
  const finished = driven(system.agent(driverOf(id)))
  return {
    commands,
    messages: Object.fromEntries(peers.map((peer) => [peer, heardBy(system.agent(peer))])),
    entries: Object.fromEntries(
      maps.map((map) => [map, Object.fromEntries(Array.from(grid.map(map).entries(), ({ key, value }) => [key, value]))]),
    ),
    finished,
    faults: [...faults],
  }
}

function driven(driver: { readonly snapshot: unknown } | undefined): boolean {
  return (driver?.snapshot as { readonly value?: unknown } | undefined)?.value === 'given'
}

/** Gives the events one after the other, each exactly once: an agent itself, so that it survives the crash too. */
function createDriver(to: string, events: readonly AgentEvent[], everyMs: number): AnyStateMachine {
  return setup({ types: { context: {} as { next: number } } }).createMachine({
    id: 'driver',
    context: { next: 0 },
    initial: 'waiting',
    states: {
      waiting: {
        after: {
          [everyMs]: [
            {
              guard: ({ context }) => context.next < events.length,
              target: 'waiting',
              reenter: true,
              actions: [
                send(to, ({ context }: { context: { next: number } }) => events[context.next] as AgentEvent),
                assign({ next: ({ context }) => context.next + 1 }),
              ],
            },
            { target: 'given' },
          ],
        },
      },
      given: {},
    },
  })
}

function listening(done: unknown[]): Actuator {
  const seen = new SeenEffects()
  return (payload, { origin }) => {
    if (origin === undefined || seen.take(origin) === 'new') done.push(payload)
  }
}

function differences(expected: Seen, seen: Seen): readonly string[] {
  const texts: string[] = []
  const compare = (what: string, wanted: unknown, got: unknown): void => {
    if (!isDeepStrictEqual(wanted, got)) texts.push(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`)
  }
  for (const [name, wanted] of Object.entries(expected.commands)) compare(`commands of ${name}`, wanted, seen.commands[name])
  for (const [peer, wanted] of Object.entries(expected.messages)) compare(`messages to ${peer}`, wanted, seen.messages[peer])
  for (const [map, wanted] of Object.entries(expected.entries)) compare(`entries of ${map}`, wanted, seen.entries[map])
  if (!seen.finished) texts.push('not all events were taken')
  return texts
}
