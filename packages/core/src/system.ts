import type { Clock, Grid, TraceContext } from '@stigmergy/grid'
import type { AnyStateMachine } from 'xstate'
import type { Launched } from './agent-child.ts'
import { createAgentRef, type AgentRef, type SendOptions } from './agent.ts'
import type { TreeNode } from './child.ts'
import { integerOption, numberOption, quote } from './check.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import { createDeathWatch, type EndedEvent } from './death-watch.ts'
import type { AgentEvent } from './envelope.ts'
import { CoreError } from './errors.ts'
import { createForest } from './forest.ts'
import { createGuests } from './guests.ts'
import type { CoreHooks } from './hooks.ts'
import { Life, type LifeOptions } from './life.ts'
import { resolveMailboxOptions, type MailboxOptions } from './mailbox.ts'
import { memoryStore } from './memory-store.ts'
import { createPump } from './pump.ts'
import type { Turn } from './question.ts'
import { createRecordCodec } from './record.ts'
import type { Services } from './services.ts'
import { resolveSpawnOptions, type SpawnOptions } from './spawn.ts'
import { createBounder } from './step.ts'
import type { Store } from './store.ts'
import type { SupervisorRef, SupervisorSpec } from './supervise.ts'
import { resolveSupervisionOptions, type SupervisionOptions } from './supervisor.ts'
import { waitFor } from './wait.ts'

export interface SystemOptions {
  readonly grid: Grid
  /** Where checkpoints go. One that is given is not closed with the system. @default memoryStore() */
  readonly store?: Store
  /** @default grid.clock */
  readonly clock?: Clock
  readonly hooks?: CoreHooks
  /** Numbers in [0, 1) for the jitter of backoff. @default Math.random */
  readonly random?: () => number
  /** For agents that do not say otherwise. */
  readonly mailbox?: MailboxOptions
  /** For agents that do not say otherwise. */
  readonly supervision?: SupervisionOptions
  /** Dead letters kept, and as many that an agent crashed on; older ones are dropped and counted. @default 1000 */
  readonly deadLetters?: number
}

/** The agents of a process. */
export interface ActorSystem {
  readonly grid: Grid
  readonly clock: Clock
  /** Ids of the agents that have not ended, in order of their spawn. */
  readonly agents: readonly string[]
  /**
   * Starts an agent. Throws `CoreError` BAD_MACHINE, BAD_OPTION, AGENT_EXISTS, START_FAILED, CLOSED,
   * or why the store refuses (STORE_...).
   */
  spawn<TLogic extends AnyStateMachine, TWorld extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>>(
    machine: TLogic,
    options?: SpawnOptions<TLogic, TWorld>,
  ): Promise<AgentRef<TLogic>>
  /**
   * Starts a supervisor and its children, in order; if one does not start, those before it are stopped. Throws what `spawn` throws.
   * `system.supervise({ id: 'cell', strategy: 'rest-for-one', children: [child(camera, { id: 'camera' }), child(planner)] })`
   */
  supervise(spec: SupervisorSpec): Promise<SupervisorRef>
  /** The supervisor of that id, unless it has ended. */
  supervisor(id: string): SupervisorRef | undefined
  /** The supervisors that have none above them, with all below them. */
  trees(): readonly TreeNode[]
  /** The agent of that id, unless it has ended. */
  agent(id: string): AgentRef<AnyStateMachine> | undefined
  /** Sends to an agent by id; an unknown id becomes a dead letter and returns false. */
  send(id: string, event: AgentEvent, options?: SendOptions): boolean
  /** As `AgentRef.watch`, by id, also in an agent's first step. */
  watch(watcher: string, watched: string): () => void
  readonly deadLetters: DeadLetters
  /** Answers that came after their asker had gone, or after another answer. */
  readonly lateReplies: number
  /** Adds an observer; a hook that throws is counted and otherwise ignored (I7). Returns its removal. */
  use(hooks: CoreHooks): () => void
  /** Errors thrown by hooks and listeners so far. */
  readonly guestErrors: number
  /**
   * Stops the agents in reverse order of their spawn and writes their last states. Afterwards nothing is pending.
   * Rejects with `CoreError` CLOSE_TIMEOUT if the store does not answer in time; all is stopped then as well.
   * @default timeoutMs 5000
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const CLOSE_MS = 5000

/** A system of agents that share the memory of `grid`. Throws `CoreError` BAD_OPTION. */
export function createSystem(options: SystemOptions): ActorSystem {
  const grid = options.grid as Grid | undefined
  if (typeof grid?.map !== 'function') throw new CoreError('BAD_OPTION', `grid is ${quote(grid)}: give what openGrid() returns`)
  const clock = options.clock ?? grid.clock
  const kept = integerOption('deadLetters', options.deadLetters, 1000, 0)
  const deadLetters = createDeadLetters(kept, ({ event, trace, id }, to) => send(to, event, { trace, id }))
  const deathWatch = createDeathWatch()
  const mailbox = resolveMailboxOptions(options.mailbox)
  const supervision = resolveSupervisionOptions(options.supervision)
  const guests = createGuests()
  if (options.hooks !== undefined) guests.use(options.hooks)
  const pump = createPump()
  const store = options.store ?? memoryStore()
  let lateReplies = 0
  const lateReply = (): void => {
    lateReplies += 1
  }
  const random = options.random ?? Math.random
  const codec = createRecordCodec()
  const bounded = createBounder()
  const turn: Turn = { agentId: undefined, question: undefined }
  const services: Services = { grid, clock, store, codec, bounded, guests, pump, deadLetters, random, lateReply, turn, watch }

  const lives = new Map<string, Life>()
  const refs = new Map<string, AgentRef<AnyStateMachine>>()
  const settling = new Map<Life, Promise<void>>()
  let spawned = 0
  let closing: Promise<void> | undefined

  function newId(machineId: string): string {
    let id: string
    do id = `${machineId}-${++spawned}`
    while (lives.has(id))
    return id
  }

  function forget(life: Life): void {
    const { id } = life.info
    lives.delete(id)
    refs.delete(id)
    deathWatch.ended(id, life.status as EndedEvent['reason'])
    const { settled } = life
    if (settled === undefined) return
    settling.set(life, settled)
    const over = (): void => {
      settling.delete(life)
    }
    settled.then(over, over)
  }

  function send(id: string, event: AgentEvent, sendOptions: SendOptions = {}): boolean {
    const trace: TraceContext | undefined = sendOptions.trace ?? grid?.trace.current
    const life = lives.get(id)
    if (life !== undefined) return life.cell.inbox.post(event, trace, undefined, sendOptions.id)
    const letter = { agentId: id, event, reason: 'unknown-agent', atMs: clock.now(), trace, id: sendOptions.id } as const
    guests.tell('onDeadLetter', deadLetters.add(letter))
    return false
  }

  function watch(watcher: Life, watched: string): () => void {
    const { id } = watcher.info
    if (lives.get(id) !== watcher) throw new CoreError('AGENT_STOPPED', `agent ${quote(id)} is ${watcher.status}: it can watch nobody`)
    return deathWatch.watch(id, watcher.cell.inbox, watched, lives.has(watched), watcher.cell.inbox.systemCapacity)
  }

  const forest = createForest({
    services: { clock, random, guests, afterStep: (fn) => (turn.agentId === undefined ? fn() : queueMicrotask(fn)) },
    supervision,
    launch,
    resolve: (machine, given) => resolveSpawnOptions(machine, given, { mailbox, supervision, newId }),
  })

  async function launch(resolved: LifeOptions, made?: (life: Life) => void): Promise<Launched> {
    if (closing !== undefined) throw new CoreError('CLOSED', 'the system is closed')
    const { id } = resolved.agent
    if (lives.has(id)) throw new CoreError('AGENT_EXISTS', `an agent ${quote(id)} runs in this system: take another id, or stop it first`)
    const life = new Life(resolved, services)
    made?.(life)
    lives.set(id, life)
    life.onEnd(() => forget(life))
    await life.start()
    const ref = createAgentRef<AnyStateMachine>(life, services)
    if (lives.get(id) === life) refs.set(id, ref)
    return { life, ref }
  }

  async function end(timeoutMs: number): Promise<void> {
    forest.close()
    const leaving = [...lives.values()].reverse().map((life) => life.stop())
    const settled = Promise.allSettled([...leaving, ...settling.values()])
    const timedOut = (): CoreError => {
      const late = [...settling.keys()].map((life) => quote(life.info.id)).join(', ')
      return new CoreError('CLOSE_TIMEOUT', `no checkpoint within ${timeoutMs} ms of ${late}`)
    }
    try {
      const results = await waitFor<readonly PromiseSettledResult<void>[]>(clock, { timeoutMs }, timeoutMs, timedOut, ({ resolve }) => {
        void settled.then(resolve)
        return () => undefined
      })
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
      if (errors.length > 0) throw errors[0]
    } finally {
      pump.close()
      if (options.store === undefined) await store.close()
    }
  }

  const system: ActorSystem = {
    grid,
    clock,
    get agents() {
      return [...lives.keys()]
    },
    async spawn(machine, spawnOptions = {}) {
      if (closing !== undefined) throw new CoreError('CLOSED', 'the system is closed')
      const given = spawnOptions as SpawnOptions<typeof machine>
      const { ref } = await launch(resolveSpawnOptions(machine, given, { mailbox, supervision, newId }))
      return ref as unknown as AgentRef<typeof machine>
    },
    async supervise(spec) {
      if (closing !== undefined) throw new CoreError('CLOSED', 'the system is closed')
      return forest.supervise(spec)
    },
    supervisor: (id) => forest.get(id),
    trees: () => forest.trees(),
    agent: (id) => refs.get(id),
    send,
    watch(watcher, watched) {
      const life = lives.get(watcher)
      if (life === undefined) throw new CoreError('AGENT_STOPPED', `there is no agent ${quote(watcher)} that could watch`)
      return watch(life, watched)
    },
    deadLetters,
    get lateReplies() {
      return lateReplies
    },
    use: (hooks) => guests.use(hooks),
    get guestErrors() {
      return guests.errors
    },
    async close({ timeoutMs } = {}) {
      const deadlineMs = numberOption('timeoutMs', timeoutMs, CLOSE_MS, 0, Infinity)
      closing ??= end(deadlineMs)
      await closing
    },
    [Symbol.asyncDispose]: () => system.close(),
  }
  return system
}
