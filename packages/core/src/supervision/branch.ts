import type { Clock, TimerHandle } from '@stigmergy/grid'
import { quote } from '../check.ts'
import { stopWithin, type Child, type TreeNode } from '../cell/child.ts'
import { CoreError } from '../errors.ts'
import type { Guests } from '../guests.ts'
import { affectedBy, decideFor, type Past, type Restart, type Strategy } from './strategy.ts'
import type { Decision, ResolvedSupervisionOptions } from './supervisor.ts'

export interface BranchOptions {
  readonly id: string
  readonly strategy: Strategy
  readonly supervision: ResolvedSupervisionOptions
  readonly restart: Restart
  readonly shutdownMs: number
}

export interface BranchServices {
  readonly clock: Clock
  readonly random: () => number
  readonly guests: Guests
  /** Runs it now, or if an agent's step is running, after it: nobody is brought down in the middle of a step. */
  afterStep(fn: () => void): void
}

/** A supervisor: starts its children in order, restarts them by its strategy, stops them in reverse order. */
export class Branch implements Child {
  readonly #options: BranchOptions
  readonly #services: BranchServices
  readonly #parent: Branch | undefined
  /** In order of their start. */
  readonly #children = new Map<string, Child>()
  /** Brought down, or failed: to be started again after the pause. */
  readonly #down = new Set<string>()
  /** One for each child, or one for all of them together. */
  readonly #pauses = new Map<string, TimerHandle>()
  #past: readonly Past[] = []
  #restarts = 0
  #status: 'running' | 'restarting' | 'stopped' | 'failed' = 'running'
  #started = false
  /** Tells a round of starts that is under way that it was overtaken. */
  #round = 0
  #onEnd: (() => void) | undefined

  constructor(options: BranchOptions, services: BranchServices, parent: Branch | undefined) {
    this.#options = options
    this.#services = services
    this.#parent = parent
  }

  get id(): string {
    return this.#options.id
  }

  get started(): boolean {
    return this.#started
  }

  get restart(): Restart {
    return this.#options.restart
  }

  get shutdownMs(): number {
    return this.#options.shutdownMs
  }

  get status(): 'running' | 'restarting' | 'stopped' | 'failed' {
    return this.#status
  }

  get restarts(): number {
    return this.#restarts
  }

  get children(): readonly string[] {
    return [...this.#children.keys()]
  }

  get #over(): boolean {
    return this.#status === 'stopped' || this.#status === 'failed'
  }

  /** Calls `fn` once, when it has ended. */
  onEnd(fn: () => void): void {
    this.#onEnd = fn
  }

  add(child: Child): void {
    if (this.#children.has(child.id)) throw new CoreError('AGENT_EXISTS', `supervisor ${quote(this.id)} has a child ${quote(child.id)}`)
    this.#children.set(child.id, child)
  }

  /** Starts its children in order. If one does not start, those before it are stopped. */
  async start(): Promise<void> {
    this.#started = true
    this.#services.guests.tell('onSupervisor', this.id)
    for (const child of this.#children.values()) {
      try {
        await child.start()
      } catch (error) {
        this.#children.delete(child.id)
        await this.stop().catch(() => undefined)
        throw error
      }
    }
  }

  /** Starts one more, as the last one. */
  async startChild(child: Child): Promise<void> {
    if (this.#status !== 'running') throw new CoreError('CLOSED', `supervisor ${quote(this.id)} is ${this.#status}`)
    this.add(child)
    try {
      await child.start()
    } catch (error) {
      this.#children.delete(child.id)
      throw error
    }
  }

  /** A child failed, or ended by itself: decides, and does what it decided. */
  failed(id: string, how: 'failed' | 'done' = 'failed'): Decision {
    const child = this.#children.get(id)
    if (this.#over || child === undefined) return { type: 'stop' }
    const { clock, random } = this.#services
    const { strategy, supervision } = this.#options
    const nowMs = clock.now()
    this.#past = this.#past.filter(({ atMs }) => nowMs - atMs < supervision.withinMs)
    const decision = decideFor(child, how, strategy, this.#past, supervision, random(), nowMs)
    if (decision.type === 'restart') {
      this.#past = [...this.#past, { child: id, atMs: nowMs }]
      this.#down.add(id)
      this.#bringDown(strategy === 'one-for-one' ? [id] : affectedBy(strategy, this.children, id), id, decision.delayMs)
    }
    return decision.type === 'escalate' ? this.#escalate(id) : decision
  }

  #bringDown(ids: readonly string[], failed: string, delayMs: number): void {
    const group = this.#options.strategy === 'one-for-one' ? failed : '*'
    const pause = this.#pauses.get(group)
    if (pause !== undefined) this.#services.clock.clearTimeout(pause)
    if (group === '*') this.#round += 1
    this.#services.afterStep(() => {
      for (const id of [...ids].reverse()) if (id !== failed && !this.#over) this.#suspend(id)
    })
    const due = (): void => {
      this.#pauses.delete(group)
      void this.#startAgain(group === '*' ? this.children : [failed])
    }
    this.#pauses.set(group, this.#services.clock.setTimeout(due, delayMs))
  }

  #suspend(id: string): void {
    const child = this.#children.get(id)
    // One that has yet to be started will be, in its turn.
    if (child === undefined || !child.started) return
    this.#down.add(id)
    child.suspend()
  }

  async #startAgain(ids: readonly string[]): Promise<void> {
    const round = this.#round
    for (const id of ids) {
      if (!this.#down.delete(id)) continue
      this.#restarts += 1
      await this.#children.get(id)?.resume()
      if (round !== this.#round) return
    }
  }

  /** The window is full: the supervisor above decides, or where there is none, all ends here. */
  #escalate(id: string): Decision {
    const { guests, afterStep } = this.#services
    guests.tell('onEscalation', { supervisor: this.id, child: id, to: this.#parent?.id })
    if (this.#parent === undefined) {
      afterStep(() => void this.#end('failed').catch(() => undefined))
      return { type: 'stop' }
    }
    this.suspend()
    const above = this.#parent.failed(this.id)
    if (above.type !== 'stop') return { type: 'escalate' }
    afterStep(() => void this.#end('failed').catch(() => undefined))
    return above
  }

  /** A child has ended: for good, unless it is one that is always restarted. */
  ended(id: string, how: 'stopped' | 'done' | 'failed'): void {
    if (this.#children.get(id) === undefined || this.#over) return
    if (how === 'done' && this.failed(id, 'done').type !== 'stop') return
    this.#children.delete(id)
    this.#down.delete(id)
  }

  suspend(): void {
    if (this.#over) return
    this.#status = 'restarting'
    this.#calm()
    this.#services.afterStep(() => {
      for (const id of [...this.children].reverse()) if (this.#status === 'restarting') this.#suspend(id)
    })
  }

  /** Begins anew: what was before counts no more. */
  async resume(): Promise<void> {
    if (this.#over) return
    this.#status = 'running'
    this.#past = []
    await this.#startAgain(this.children)
  }

  close(): void {
    this.#calm()
    this.#status = this.#over ? this.#status : 'stopped'
    for (const child of this.#children.values()) child.close()
  }

  async stop(): Promise<void> {
    await this.#end('stopped')
  }

  #calm(): void {
    this.#round += 1
    for (const pause of this.#pauses.values()) this.#services.clock.clearTimeout(pause)
    this.#pauses.clear()
    this.#down.clear()
  }

  async #end(status: 'stopped' | 'failed'): Promise<void> {
    if (!this.#over) this.#status = status
    this.close()
    const children = [...this.#children.values()].reverse()
    this.#children.clear()
    const errors: unknown[] = []
    const one = async (child: Child): Promise<void> => {
      await stopWithin(child, this.#services.clock).catch((error: unknown) => errors.push(error))
    }
    // Those that need each other go one after the other; the others need not wait.
    if (this.#options.strategy === 'one-for-one') await Promise.all(children.map(one))
    else for (const child of children) await one(child)
    this.#onEnd?.()
    this.#onEnd = undefined
    this.#parent?.ended(this.id, status)
    if (errors.length > 0) throw errors[0]
  }

  describe(): TreeNode {
    const children = [...this.#children.values()].map((child) => child.describe())
    return { id: this.id, kind: 'supervisor', status: this.#status, restarts: this.#restarts, strategy: this.#options.strategy, children }
  }
}
