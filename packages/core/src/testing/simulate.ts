import { createVirtualClock } from '@stigmergy/grid'
import { choiceOption, integerOption, optionsOf, quote, type Names } from '../check.ts'
import { CoreError } from '../errors.ts'
import { createArm, type Arm } from './arm.ts'
import { checkEnd } from './checks.ts'
import { SimulatedCluster } from './cluster.ts'
import { COMMIT_POINTS, createDisk, type CommitPoint, type Disk } from './disk.ts'
import { FAULTS, planFaults, type FaultKind } from './fault.ts'
import { createRandom } from './random.ts'
import { createSharedGrid } from './shared-grid.ts'
import { createTrail } from './trail.ts'

/**
 * Defects that can be put in, so that each check can be seen to find what it is for:
 * - `unfenced`: the disk takes writes of replaced activations (one effective writer)
 * - `forgetful`: the disk now and then gives the state before the last one (no lost acknowledged message)
 * - `hasty`: the disk answers before it has written (no effect of a state that is lost)
 * - `credulous`: the arm does what it did before (no duplicated effect)
 * - `timeless`: a process loses some of its timers (no lost timer)
 * - `backwards`: children are started in the wrong order (supervision order)
 */
export const DEFECTS = ['unfenced', 'forgetful', 'hasty', 'credulous', 'timeless', 'backwards'] as const

export type Defect = (typeof DEFECTS)[number]

export interface SimulationOptions {
  /** All chance comes from it: the same seed is the same run, on every machine. */
  readonly seed: number
  /** Processes. @default 3 */
  readonly nodes?: number
  /** Teams of agents, each under a supervisor of its own. @default 5 */
  readonly teams?: number
  /** @default 10 */
  readonly agentsPerTeam?: number
  /** Events each agent handles at least. @default 200 */
  readonly eventsPerAgent?: number
  /** Faults of the planned kinds. One that finds nothing to break comes a little later. @default 24 */
  readonly faults?: number
  readonly defect?: Defect
}

export interface SimulationReport {
  readonly seed: number
  /** Of everything that happened, in order. */
  readonly hash: string
  /** Events handled whose states were committed. */
  readonly events: number
  /** Of the agent that handled fewest. */
  readonly leastEvents: number
  readonly virtualMs: number
  readonly commits: number
  readonly faults: Readonly<Record<FaultKind, number>>
  /** How often a process died at each point of a commit. */
  readonly points: Readonly<Record<CommitPoint, number>>
  /** Entries of the grid that a replaced activation wrote last: the grid promises no more, as entries carry no fence. */
  readonly overwritten: number
  /** What must never be. Empty: all promises were kept. */
  readonly violations: readonly string[]
}

/** What a simulation is made of. */
export interface SimulationWorld {
  readonly disk: Disk
  readonly arm: Arm
  readonly cluster: SimulatedCluster
}

const TICK_MS = 20
/** Long enough for everything that waits to be tried again. */
const SETTLE_MS = 60_000

const NAMES: Names<SimulationOptions> = {
  seed: true,
  nodes: true,
  teams: true,
  agentsPerTeam: true,
  eventsPerAgent: true,
  faults: true,
  defect: true,
}

function checkOptions(options: SimulationOptions | undefined): void {
  const given: Partial<SimulationOptions> = optionsOf('simulate', options, NAMES)
  if (!Number.isSafeInteger(given.seed)) throw new CoreError('BAD_OPTION', `seed is ${quote(given.seed)}: give a whole number`)
  for (const name of ['nodes', 'teams', 'agentsPerTeam', 'eventsPerAgent'] as const) integerOption(name, given[name], 1, 1)
  integerOption('faults', given.faults, 0, 0)
  if (given.defect !== undefined) choiceOption('defect', given.defect, 'unfenced', DEFECTS)
}

/**
 * Runs agents with `durability: 'gated'` in several processes over one disk and one grid, while processes die at every point of a
 * commit, stand still, are cut off, and the disk fails; then lets all settle and checks what the runtime promises. On a virtual clock.
 * Throws `CoreError` BAD_OPTION.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  checkOptions(options)
  const { seed, nodes = 3, teams = 5, agentsPerTeam = 10, eventsPerAgent = 200, faults = 24, defect } = options
  const random = createRandom(seed)
  const clock = createVirtualClock({ wallStartMs: 1_700_000_000_000, timersPerTurn: 16 })
  const trail = createTrail()
  const counts = zeros(FAULTS)
  const points = zeros(COMMIT_POINTS)
  const violations: string[] = []
  const wrong = (text: string): void => void (violations.length < 20 && violations.push(text))

  const disk = createDisk({
    clock,
    random,
    defect: defect === 'unfenced' || defect === 'forgetful' || defect === 'hasty' ? defect : undefined,
    wrote: ({ id, rev, owner, token }) => trail.add(`commit ${id} ${rev} ${owner} ${token}`),
  })
  const arm = createArm(({ agent, n }) => trail.add(`arm ${agent} ${n}`), defect === 'credulous')
  const shared = createSharedGrid(clock, random, () => (counts['told-twice'] += 1))
  const cluster = new SimulatedCluster({
    clock,
    random,
    disk,
    shared,
    arm,
    nodes,
    teams,
    agentsPerTeam,
    defect,
    wrong,
    happened: (kind, text) => {
      counts[kind] += 1
      trail.add(`${clock.now()} ${text}`)
    },
    diedAt: (point) => {
      points[point] += 1
      trail.add(`${clock.now()} died ${point}`)
    },
  })
  await cluster.start()
  const busyMs = Math.ceil(eventsPerAgent / 6) * TICK_MS
  let plan = planFaults(random, faults, TICK_MS, busyMs)
  while (plan.length > 0 || !cluster.allHandled(eventsPerAgent)) {
    const due = plan.filter(({ atMs }) => atMs <= clock.now())
    const missed = due.filter((fault) => !cluster.fault(fault))
    plan = [...missed, ...plan.slice(due.length)]
    cluster.tend()
    cluster.work(eventsPerAgent)
    await clock.advance(TICK_MS)
    if (clock.now() > busyMs * 20) {
      wrong(`after ${clock.now()} ms not every agent had handled ${eventsPerAgent} events: ${cluster.stuck()}`)
      break
    }
  }
  cluster.calm()
  const untilMs = clock.now() + SETTLE_MS
  // What was handled and not committed may be lost once more: then it is made up for.
  while (!(cluster.settled(arm) && cluster.allHandled(eventsPerAgent)) && clock.now() < untilMs) {
    cluster.tend()
    cluster.work(eventsPerAgent)
    await clock.advance(TICK_MS * 2)
  }
  let overwritten = 0
  const { events, leastEvents } = await checkEnd({ disk, arm, cluster }, clock, wrong, () => (overwritten += 1))
  return {
    seed,
    hash: trail.hash(),
    events,
    leastEvents,
    virtualMs: clock.now(),
    commits: disk.commits.length,
    faults: counts,
    points,
    overwritten,
    violations,
  }
}

function zeros<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>
}
