import { isDeepStrictEqual } from 'node:util'
import { createVirtualClock } from '@stigmergy/grid'
import { assign, setup, type AnyStateMachine, type EventFromLogic } from 'xstate'
import type { Actuator } from '../durability/doer.ts'
import { numberOption, optionsOf, quote, type Names } from '../check.ts'
import { CoreError } from '../errors.ts'
import { isMachine } from '../spawn.ts'
import { send } from '../durability/effect.ts'
import type { AgentEvent } from '../mailbox/envelope.ts'
import { SeenEffects } from '../mailbox/seen.ts'
import { COMMIT_POINTS, createDisk, type CommitPoint } from './disk.ts'
import { startNode, type SimulatedNode } from './node.ts'
import { heardBy, probe } from './probe.ts'
import { createRandom } from './random.ts'
import { createSharedGrid } from './shared-grid.ts'

export interface CrashEverywhereOptions {
  /** Id of the agent. @default machine.id */
  readonly id?: string
  readonly input?: unknown
  /** Ids of agents it sends to: probes stand in for them. @default none */
  readonly peers?: readonly string[]
  /** Names of actuators it commands. @default none */
  readonly actuators?: readonly string[]
  /** Maps of the grid whose entries are compared in the end. @default none */
  readonly maps?: readonly string[]
  /** Virtual time between two events, and after the last one, in milliseconds. @default 50 */
  readonly everyMs?: number
  readonly seed?: number
}

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
}

/** Time for a crashed process to be started anew and to catch up. */
const RESTART_MS = 20
const CATCH_UP_MS = 1500

/**
 * Kills the process at every moment of a commit, one run for each, and holds what the world saw against a run without a crash: each
 * command and message once and in order, and the same entries in the end. `machine` runs as an agent with `durability: 'gated'` and is
 * given `events`, which must be data. Throws `CoreError` BAD_MACHINE or BAD_OPTION. What it does by functions of its own, not by `send`, `put` and `command`, is not seen.
 */
export async function crashEverywhere<TLogic extends AnyStateMachine>(
  machine: TLogic,
  events: readonly EventFromLogic<TLogic>[],
  options: CrashEverywhereOptions = {},
): Promise<CrashReport> {
  checkOptions(machine, events, options)
  const reached: CommitPoint[] = []
  const expected = await run(machine, events, options, (point) => {
    reached.push(point)
    return false
  })
  const points = Object.fromEntries(COMMIT_POINTS.map((point) => [point, 0])) as Record<CommitPoint, number>
  const violations: string[] = []
  for (const [at, point] of reached.entries()) {
    let count = 0
    const seen = await run(machine, events, options, () => count++ === at)
    points[point] += 1
    for (const text of differences(expected, seen)) violations.push(`killed at moment ${at} (${point}): ${text}`)
  }
  return { runs: reached.length, points, violations }
}

const NAMES: Names<CrashEverywhereOptions> = {
  id: true,
  input: true,
  peers: true,
  actuators: true,
  maps: true,
  everyMs: true,
  seed: true,
}

function checkOptions(machine: AnyStateMachine, events: readonly AgentEvent[], options: CrashEverywhereOptions): void {
  if (!isMachine(machine)) throw new CoreError('BAD_MACHINE', `${quote(machine)} is no XState v5 state machine`)
  if (!Array.isArray(events)) throw new CoreError('BAD_OPTION', `events is ${quote(events)}: give an array of events`)
  const bad = events.find((event: Partial<AgentEvent> | null) => typeof event?.type !== 'string') as unknown
  if (events.length === 0 || bad !== undefined) {
    throw new CoreError('BAD_OPTION', `events holds ${events.length === 0 ? 'nothing' : quote(bad)}: give events such as { type: 'part' }`)
  }
  optionsOf('crashEverywhere', options, NAMES)
  for (const name of ['peers', 'actuators', 'maps'] as const) {
    const given = options[name]
    if (given !== undefined && !(Array.isArray(given) && given.every((each) => typeof each === 'string')))
      throw new CoreError('BAD_OPTION', `${name} is ${quote(given)}: give a list of names`)
  }
  numberOption('everyMs', options.everyMs, 0, 0, Infinity)
}

async function run(
  machine: AnyStateMachine,
  events: readonly AgentEvent[],
  options: CrashEverywhereOptions,
  dies: (point: CommitPoint) => boolean,
): Promise<Seen> {
  const { id = machine.id, input, peers = [], maps = [], everyMs = 50, seed = 1 } = options
  const random = createRandom(seed)
  const clock = createVirtualClock()
  const disk = createDisk({ clock, random, wrote: () => undefined })
  const shared = createSharedGrid(clock, random, () => undefined)
  const commands: Record<string, unknown[]> = Object.fromEntries((options.actuators ?? []).map((name) => [name, []]))
  const actuators = Object.fromEntries(Object.entries(commands).map(([name, done]) => [name, listening(done)]))
  const driver = createDriver(id, events, everyMs)
  let dead = false

  const start = async (name: string): Promise<SimulatedNode> => {
    const own = { name, clock, random, disk, shared, actuators, hooks: {}, offsetMs: 0, skewMs: 0 }
    const node = await startNode({ ...own, dies, died: () => (dead = true) })
    const { system } = node
    for (const map of maps) node.grid.map(map)
    const spawn = async (): Promise<void> => {
      for (const peer of peers) await system.spawn(probe(), { id: peer, durability: 'gated' })
      await system.spawn(machine, { id, durability: 'gated', ...(input === undefined ? {} : { input: input as never }) })
      await system.spawn(driver, { id: `${id}.driver`, durability: 'gated' })
    }
    // A process that dies meanwhile never answers: nobody waits for it.
    void spawn().catch(() => undefined)
    return node
  }

  let node = await start('first')
  const untilMs = clock.now() + events.length * everyMs + CATCH_UP_MS
  while (clock.now() < untilMs) {
    await clock.advance(RESTART_MS)
    if (!dead) continue
    dead = false
    node = await start('second')
  }
  const { system, grid } = node
  const finished = driven(system.agent(`${id}.driver`))
  return {
    commands,
    messages: Object.fromEntries(peers.map((peer) => [peer, heardBy(system.agent(peer))])),
    entries: Object.fromEntries(
      maps.map((map) => [map, Object.fromEntries(Array.from(grid.map(map).entries(), ({ key, value }) => [key, value]))]),
    ),
    finished,
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
