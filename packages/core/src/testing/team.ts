import type { AnyStateMachine } from 'xstate'
import type { Arm } from './arm.ts'
import { child, type SupervisorRef, type SupervisorSpec } from '../supervision/supervise.ts'
import type { Strategy } from '../supervision/strategy.ts'
import type { SimulatedNode } from './node.ts'
import { handledBy, type WorkerContext } from './worker.ts'

/** Agents that live together in one process, under one supervisor, and are moved together. */
/** Less than they are given at a time, so that several commits are under way. */
const MAX_TRANSITIONS = 8

export class Team {
  readonly name: string
  readonly strategy: Strategy
  readonly agents: readonly string[]
  /** Where it runs, or is being started. */
  node: SimulatedNode | undefined
  running = false
  /** Each placement has a number: what an older one still says is not heard. */
  #placement = 0

  constructor(name: string, strategy: Strategy, size: number) {
    this.name = name
    this.strategy = strategy
    this.agents = Array.from({ length: size }, (_, at) => `${name}-${at}`)
  }

  /** Its process is gone, or taken for gone. */
  lost(): void {
    this.#placement += 1
    this.node = undefined
    this.running = false
  }

  /** Starts it there, of that machine. `failed` is called if it does not start. */
  place(node: SimulatedNode, machine: AnyStateMachine, backwards: boolean, failed: () => void): void {
    const placement = ++this.#placement
    this.node = node
    this.running = false
    node.system.supervise(this.#spec(machine, backwards)).then(
      () => {
        if (placement === this.#placement) this.running = true
      },
      () => {
        if (placement === this.#placement) failed()
      },
    )
  }

  #spec(machine: AnyStateMachine, backwards: boolean): SupervisorSpec {
    const children = this.agents.map((id, at) => {
      const peers = [1, 2, 3].map((step) => this.agents[(at + step) % this.agents.length] as string)
      const gate = { giveUpMs: Infinity, maxTransitions: MAX_TRANSITIONS }
      return child(machine, { id, input: { id, peers }, durability: 'gated', gate })
    })
    if (backwards) children.reverse()
    return { id: this.name, strategy: this.strategy, maxRestarts: 1000, backoff: { minMs: 1, maxMs: 5 }, children }
  }

  /** What an agent of it counts now, where it runs. */
  contextOf(agent: string): WorkerContext | undefined {
    return this.node?.system.agent(agent)?.snapshot.context as WorkerContext | undefined
  }

  /** Each agent runs and has handled so many events. */
  allHandled(events: number): boolean {
    return this.running && this.agents.every((id) => handledBy(this.contextOf(id)) >= events)
  }

  /** All that its agents sent has come, their timers have fired, and what they commanded and wrote is done. */
  settled(arm: Arm): boolean {
    if (!this.running) return false
    const notes = this.node?.grid.map<number>('notes')
    return this.agents.every((id) => {
      const own = this.contextOf(id)
      return (
        own !== undefined &&
        own.fired === own.armed &&
        (arm.done.get(id)?.at(-1) ?? 0) === own.commands &&
        (notes?.peek(id)?.value ?? 0) === own.puts &&
        Object.entries(own.sent).every(([peer, n]) => this.contextOf(peer)?.got[id] === n)
      )
    })
  }

  supervisor(): SupervisorRef | undefined {
    return this.node?.system.supervisor(this.name)
  }
}
