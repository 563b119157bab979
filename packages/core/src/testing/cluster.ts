import type { VirtualClock } from '@stigmergy/grid'
import type { AnyStateMachine } from 'xstate'
import type { Arm } from './arm.ts'
import type { CommitPoint, Disk } from './disk.ts'
import type { FaultKind, PlannedFault } from './fault.ts'
import { startNode, type SimulatedNode } from './node.ts'
import { watchOrder } from './order-watch.ts'
import type { Random } from './random.ts'
import type { SharedGrid } from './shared-grid.ts'
import type { Defect } from './simulate.ts'
import { Team } from './team.ts'
import { createWorker, handledBy, TIMER_MS } from './worker.ts'

export interface ClusterOptions {
  readonly clock: VirtualClock
  readonly random: Random
  readonly disk: Disk
  readonly shared: SharedGrid
  readonly arm: Arm
  readonly nodes: number
  readonly teams: number
  readonly agentsPerTeam: number
  readonly defect: Defect | undefined
  readonly wrong: (text: string) => void
  readonly happened: (kind: FaultKind, text: string) => void
  readonly diedAt: (point: CommitPoint) => void
}

const STRATEGIES = ['one-for-one', 'one-for-all', 'rest-for-one'] as const
/** A process that is silent so long is taken for dead, though it may only stand still. */
const SILENT_MS = 25
const RESTART_MS = 40
const BURST = 30

/** Processes that come and go, and teams that are placed on those that are taken to live. */
export class SimulatedCluster {
  readonly teams: readonly Team[]
  readonly #options: ClusterOptions
  readonly #nodes: (SimulatedNode | undefined)[]
  /** Taken for dead: no team is placed there. */
  readonly #shunned = new Set<SimulatedNode>()
  /** What the agents of a process are made of. */
  readonly #workers = new WeakMap<SimulatedNode, AnyStateMachine>()
  #started = 0
  #rounds = 0

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#nodes = Array.from({ length: options.nodes }, () => undefined)
    this.teams = Array.from(
      { length: options.teams },
      (_, at) => new Team(`team${at}`, STRATEGIES[at % STRATEGIES.length] as (typeof STRATEGIES)[number], options.agentsPerTeam),
    )
  }

  /** Those that run. */
  get nodes(): readonly SimulatedNode[] {
    return this.#nodes.filter((node) => node !== undefined)
  }

  async start(): Promise<void> {
    for (const at of this.#nodes.keys()) await this.#startNode(at)
    for (const team of this.teams) this.#place(team)
  }

  async #startNode(at: number): Promise<void> {
    const { clock, random, disk, shared, arm, defect, wrong, happened, diedAt } = this.#options
    const skewMs = random.integer(-70_000, 70_000)
    happened('wall-clock-off', `start ${at} ${skewMs}`)
    const node: SimulatedNode = await startNode({
      name: `node${at}.${++this.#started}`,
      clock,
      random,
      disk,
      shared,
      offsetMs: random.integer(0, 1_000_000),
      skewMs,
      ...(defect === 'timeless' ? { losesTimer: (delayMs: number) => delayMs === TIMER_MS && random.chance(0.02) } : {}),
      actuators: { arm: arm.actuator },
      hooks: watchOrder(this.teams, wrong),
      died: (point) => {
        diedAt(point)
        this.#down(at, node)
      },
    })
    this.#workers.set(node, createWorker(node.grid.map<number>('notes')))
    this.#nodes[at] = node
  }

  /** It has died: its teams are placed elsewhere once that is noticed, and it is started anew. */
  #down(at: number, node: SimulatedNode): void {
    const { clock } = this.#options
    this.#shunned.add(node)
    clock.setTimeout(() => this.#leave(node), SILENT_MS)
    clock.setTimeout(() => {
      this.#nodes[at] = undefined
      this.#shunned.delete(node)
      void this.#startNode(at)
    }, RESTART_MS)
  }

  #leave(node: SimulatedNode): void {
    for (const team of this.teams) {
      if (team.node !== node) continue
      team.lost()
      this.#place(team)
    }
  }

  #place(team: Team): void {
    const { clock, random, defect } = this.#options
    const able = this.nodes.filter((node) => node.line.state === 'running' && !this.#shunned.has(node) && !this.#holds(node, team))
    if (able.length === 0) {
      clock.setTimeout(() => this.#place(team), SILENT_MS)
      return
    }
    const node = random.pick(able)
    team.place(node, this.#workers.get(node) as AnyStateMachine, defect === 'backwards', () => {
      team.lost()
      clock.setTimeout(() => this.#place(team), SILENT_MS)
    })
  }

  /** What is left of it there has not ended yet. */
  #holds({ system }: SimulatedNode, { name, agents }: Team): boolean {
    return system.supervisor(name) !== undefined || agents.some((id) => system.agent(id) !== undefined)
  }

  /** False: it found nothing to break. */
  fault({ kind, forMs, point }: PlannedFault): boolean {
    const { clock, random, disk, happened } = this.#options
    const at = random.integer(0, this.#nodes.length - 1)
    const node = this.#nodes[at]
    const live = node?.line.state === 'running' && !this.#shunned.has(node) ? node : undefined
    switch (kind) {
      case 'disk-gone':
        disk.trouble.gone = true
        clock.setTimeout(() => (disk.trouble.gone = false), forMs)
        break
      case 'disk-slow':
        disk.trouble.slowMs = 20
        clock.setTimeout(() => (disk.trouble.slowMs = 0), forMs)
        break
      case 'lost-answer':
        disk.trouble.lostAnswers += 3
        break
      case 'crash': {
        const team = random.pick(this.teams)
        if (!team.running || team.node?.line.state !== 'running') return false
        team.node.system.send(random.pick(team.agents), { type: 'boom' })
        break
      }
      default:
        if (live === undefined) return false
        if (kind === 'kill') {
          live.line.kill()
          this.#down(at, live)
        } else if (kind === 'die-at-point') live.dieAt(point)
        else if (kind === 'pause') this.#pause(live, forMs)
        else this.#cut(live, forMs)
    }
    happened(kind, `${kind} ${at} ${forMs} ${point}`)
    return true
  }

  #cut(node: SimulatedNode, forMs: number): void {
    node.reached.cut()
    this.#options.clock.setTimeout(() => node.reached.heal(), forMs)
  }

  /** It stands still. Taken for dead, its teams run elsewhere by the time it goes on: two activations of each agent (I1). */
  #pause(node: SimulatedNode, forMs: number): void {
    const { clock } = this.#options
    node.line.pause()
    clock.setTimeout(() => {
      if (node.line.state !== 'paused') return
      this.#shunned.add(node)
      this.#leave(node)
    }, SILENT_MS)
    clock.setTimeout(() => {
      node.line.resume()
      // It hears that it was taken for dead only after a while.
      clock.setTimeout(() => this.#giveUp(node), SILENT_MS)
    }, forMs)
  }

  #giveUp(node: SimulatedNode): void {
    if (node.line.state !== 'running' || !this.#shunned.delete(node)) return
    for (const team of this.teams)
      if (team.node !== node)
        void node.system
          .supervisor(team.name)
          ?.stop()
          .catch(() => undefined)
  }

  /** Moves teams of which an agent has ended: a process that was taken for dead has started it, and lost it in its turn. */
  tend(): void {
    for (const team of this.teams) {
      const { node, running, name, agents } = team
      if (!running || node?.line.state !== 'running' || agents.every((id) => node.system.agent(id) !== undefined)) continue
      team.lost()
      void node.system
        .supervisor(name)
        ?.stop()
        .catch(() => undefined)
      this.#options.clock.setTimeout(() => this.#place(team), SILENT_MS)
    }
  }

  /** Gives work to the agents that run and have not had enough: a team in three at a time. */
  work(enough: number): void {
    this.#rounds += 1
    for (const [at, team] of this.teams.entries()) {
      const { node, running, agents } = team
      if ((at + this.#rounds) % 3 !== 0 || !running || node?.line.state !== 'running') continue
      for (const id of agents) {
        const left = enough - handledBy(team.contextOf(id))
        for (let i = 0; i < Math.min(BURST, left); i++) node.system.send(id, { type: 'work' })
      }
    }
  }

  /** Nothing goes wrong any more. */
  calm(): void {
    const { trouble } = this.#options.disk
    Object.assign(trouble, { gone: false, slowMs: 0, lostAnswers: 0 })
    for (const node of this.nodes) {
      node.dieAt(undefined)
      node.line.resume()
      node.reached.heal()
    }
  }

  /** Every agent runs and has handled so many events. */
  allHandled(events: number): boolean {
    return this.teams.every((team) => team.allHandled(events))
  }

  stuck(): string {
    const behind = this.teams.flatMap((team) =>
      team.agents.map((id) => `${id} ${team.running ? 'running' : 'down'} ${handledBy(team.contextOf(id))}`),
    )
    return behind.slice(0, 5).join(', ')
  }

  /** All that was sent has come, every timer has fired, every command is done. */
  settled(arm: Arm): boolean {
    return this.teams.every((team) => team.settled(arm))
  }
}
