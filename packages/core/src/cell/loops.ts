import type { AnyActorRef, AnyMachineSnapshot } from 'xstate'
import { CoreError } from '../errors.ts'

/**
 * Steps a machine may take by itself for one event (`always`, `raise`). SCXML, which calls them microsteps, sets no bound, nor does XState:
 * a machine that comes to no rest hangs the process (I8). A machine may set its own: `options.maxIterations`.
 */
export const MAX_MICROSTEPS = 5000
/** Events that the children of an agent may send each other and themselves in one go. */
const MAX_RELAYS = 100_000

/** What XState tells its system of. */
export interface Inspection {
  readonly type: string
  readonly actorRef: AnyActorRef
  readonly snapshot: AnyMachineSnapshot
}

/** Ends what has no end, in an agent's machine as well as in those of its children. One for a system. */
export class Loops {
  /** Whose step is running, and how many it has taken. */
  #actor: AnyActorRef | undefined
  #steps = 0
  /** Of those in whose steps it began: a machine makes its children in the middle of a step. */
  readonly #outer = new WeakMap<AnyActorRef, number>()
  #tree: object | undefined
  #relays = 0

  /** Of XState. Throws `CoreError` ENDLESS_LOOP. */
  hear({ type, actorRef, snapshot }: Inspection, agentId: string): void {
    if (type === '@xstate.microstep') this.#step(actorRef, snapshot, agentId)
    else if (type === '@xstate.snapshot') this.rests(actorRef)
  }

  /** It has taken one step more. */
  #step(actor: AnyActorRef, { machine, value }: AnyMachineSnapshot, agentId: string): void {
    if (actor !== this.#actor) {
      if (this.#actor !== undefined && this.#steps > 0) this.#outer.set(this.#actor, this.#steps)
      this.#actor = actor
      this.#steps = this.#outer.get(actor) ?? 0
    }
    this.#steps += 1
    const bound = (machine.config.options as { readonly maxIterations?: number } | undefined)?.maxIterations ?? MAX_MICROSTEPS
    if (this.#steps <= bound) return
    const child = actor.id === agentId ? '' : `child ${JSON.stringify(actor.id)} of `
    const whose = `machine ${JSON.stringify(machine.id)}, ${child}agent ${JSON.stringify(agentId)},`
    throw new CoreError('ENDLESS_LOOP', `${whose} took ${bound} steps for one event and comes to no rest in state ${JSON.stringify(value)}`)
  }

  /** It has come to rest, or begins a step. */
  rests(actor: AnyActorRef): void {
    if (actor === this.#actor) this.#steps = 0
    else if (this.#actor !== undefined) this.#outer.delete(actor)
  }

  /** A child of this agent is sent something by another, or by itself. Throws `CoreError` ENDLESS_LOOP. */
  relay(tree: object, agentId: string): void {
    if (tree !== this.#tree) {
      this.#tree = tree
      this.#relays = 0
    }
    this.#relays += 1
    if (this.#relays === 1) queueMicrotask(() => (this.#tree = undefined))
    if (this.#relays <= MAX_RELAYS) return
    const id = JSON.stringify(agentId)
    throw new CoreError('ENDLESS_LOOP', `the children of agent ${id} sent each other ${MAX_RELAYS} events in one go: that has no end`)
  }
}
