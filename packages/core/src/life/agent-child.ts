import type { AgentRef } from '../agent.ts'
import type { AnyStateMachine } from 'xstate'
import type { Branch } from '../supervision/branch.ts'
import type { Child, TreeNode } from '../cell/child.ts'
import type { Guests } from '../guests.ts'
import type { Life } from './life.ts'
import type { Launch } from './launch.ts'
import type { LifeOptions } from './life-options.ts'
import type { Restart } from '../supervision/strategy.ts'
import type { ResolvedChildOptions } from '../supervision/supervise.ts'
import type { Supervisor } from '../supervision/supervisor.ts'

/** An agent under a supervisor. */
export class AgentChild implements Child {
  readonly #options: LifeOptions
  readonly #child: ResolvedChildOptions
  readonly #branch: Branch
  readonly #launch: Launch
  readonly #guests: Guests
  #life: Life | undefined
  #ref: AgentRef<AnyStateMachine> | undefined
  /** Restarts of earlier lives under this id. */
  #restarts = 0

  constructor(options: LifeOptions, child: ResolvedChildOptions, branch: Branch, launch: Launch, guests: Guests) {
    // The pauses are the branch's: there is nothing to close.
    const supervisor: Supervisor = { failed: () => branch.failed(this.id), close: () => undefined }
    this.#options = { ...options, supervisor }
    this.#child = child
    this.#branch = branch
    this.#launch = launch
    this.#guests = guests
  }

  get id(): string {
    return this.#options.agent.id
  }

  get started(): boolean {
    return this.#life !== undefined
  }

  get restart(): Restart {
    return this.#child.restart
  }

  get shutdownMs(): number {
    return this.#child.shutdownMs
  }

  get ref(): AgentRef<AnyStateMachine> | undefined {
    return this.#ref
  }

  async start(): Promise<void> {
    this.#ref = await new Promise((resolve, reject) => {
      const made = (life: Life): void => {
        this.#life = life
      }
      this.#launch(this.#options, made, resolve, reject)
    })
    const life = this.#life as Life
    life.onEnd(() => this.#branch.ended(this.id, life.status as 'stopped' | 'done' | 'failed'))
  }

  suspend(): void {
    this.#life?.suspend()
  }

  async resume(): Promise<void> {
    const life = this.#life as Life
    if (!life.ended) {
      await life.restart()
      return
    }
    // It had reached its end: a new life begins, once the old one has written its last state.
    await life.ending?.handOver()?.catch(() => undefined)
    this.#restarts += life.restarts + 1
    try {
      await this.start()
    } catch (error) {
      this.#notStarted(error)
    }
  }

  #notStarted(error: unknown): void {
    const { agent } = this.#options
    const decided = this.#branch.failed(this.id)
    const decision = decided.type === 'restart' ? { ...decided, restarts: this.#restarts + 1 } : decided
    this.#guests.tell('onFailure', { agent, error, event: 'agent.started', trace: undefined, decision })
    if (decision.type === 'stop') this.#branch.ended(this.id, 'failed')
  }

  async stop(): Promise<void> {
    await this.#life?.stop()
  }

  close(): void {
    // Nothing restarts it but its branch.
  }

  describe(): TreeNode {
    const restarts = this.#restarts + (this.#life?.restarts ?? 0)
    return { id: this.id, kind: 'agent', status: this.#life?.status ?? 'stopped', restarts }
  }
}
