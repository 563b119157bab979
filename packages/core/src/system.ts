import type { TraceContext } from '@stigmergy/grid'
import { createActor, createMachine, type AnyStateMachine } from 'xstate'
import type { ActorSystem, SystemOptions } from './actor-system.ts'
import { Frames } from './cell/cause.ts'
import { Launcher, type Launch } from './life/launch.ts'
import { checkSendOptions, type AgentRef, type SendOptions } from './agent.ts'
import { allWithin } from './all-within.ts'
import { integerOption, numberOption, optionsOf, quote } from './check.ts'
import { checkpointAll } from './durability/checkpoint-all.ts'
import { createDeadLetters } from './mailbox/dead-letters.ts'
import { createDeathWatch, type EndedEvent } from './supervision/death-watch.ts'
import { createDependencies } from './dependencies/dependencies.ts'
import type { AgentEvent } from './mailbox/envelope.ts'
import { Deadlines } from './deadlines.ts'
import { createDoer, resolveActuators } from './durability/doer.ts'
import { drain, resolveDrainOptions, type DrainReport } from './supervision/drain.ts'
import { Endings, leave } from './life/ending.ts'
import { CoreError } from './errors.ts'
import { createForest } from './supervision/forest.ts'
import { createGated } from './cell/gated-machine.ts'
import { createGuests } from './guests.ts'
import type { DeadLetterReason } from './hooks.ts'
import type { Life } from './life/life.ts'
import { resolveMailboxOptions } from './mailbox/mailbox.ts'
import { memoryStore } from './durability/memory-store.ts'
import { createPump } from './cell/pump.ts'
import { PutMaps } from './durability/put-maps.ts'
import type { Turn } from './mailbox/question.ts'
import { createRecordCodec } from './durability/record-codec.ts'
import type { Services } from './services.ts'
import { createSleepRules } from './life/sleep-rules.ts'
import { createIds, resolveSpawnOptions, type SpawnDefaults, type SpawnOptions } from './spawn.ts'
import { StoreAccess } from './durability/store-access.ts'
import { createStoreHealth } from './durability/store-health.ts'
import { Deciding } from './cell/stepper.ts'
import { resolveSupervisionOptions } from './supervision/supervisor.ts'
import { checkSystemOptions } from './system-options.ts'
import { createOwners } from './life/owners.ts'
import { createTenures } from './life/tenure.ts'
import type { TimerClocks } from './cell/timer-policy.ts'

const CLOSE_MS = 5000
const STORE_MS = 10_000

/** A system of agents that share the memory of `grid`. Throws `CoreError` BAD_OPTION. */
export function createSystem(options: SystemOptions): ActorSystem {
  checkSystemOptions(options)
  const { grid } = options
  const clock = options.clock ?? grid.clock
  const kept = integerOption('deadLetters', options.deadLetters, 1000, 0)
  const deadLetters = createDeadLetters(kept, ({ event, trace, id }, to) => doer.again(event, to, trace) || send(to, event, { trace, id }))
  const timers: TimerClocks = { policies: 'restart', now: () => clock.now(), wallNow: options.wallNow }
  const deathWatch = createDeathWatch()
  const mailbox = resolveMailboxOptions(options.mailbox)
  const supervision = resolveSupervisionOptions(options.supervision)
  const guests = createGuests()
  const health = createStoreHealth(guests)
  if (options.hooks !== undefined) guests.use(options.hooks)
  const pump = createPump()
  const store = options.store ?? memoryStore()
  let lateReplies = 0
  const random = options.random ?? Math.random
  const codec = createRecordCodec()
  let repeats = 0
  const lives = new Map<string, Life>()
  const actuators = resolveActuators(options.actuators)
  const maps = new PutMaps(grid, options.maps)
  const doer = createDoer({ grid, clock, guests, deadLetters, actuators, maps, inbox: (id) => lives.get(id)?.inbox })
  const deadlines = new Deadlines(clock)
  const storeMs = numberOption('storeTimeoutMs', options.storeTimeoutMs, STORE_MS, 0, Infinity)
  const access = new StoreAccess(store, deadlines, storeMs)
  const turn: Turn = { agentId: undefined, question: undefined }
  const services: Services = {
    grid,
    clock,
    // XState's own: what machines log goes where they always log.
    environment: { clock, logger: createActor(createMachine({})).system._logger, deciding: new Deciding(), slot: grid.trace },
    access,
    takeTenure: createTenures(options, grid.id, clock, storeMs),
    newOwner: createOwners(grid.id, options.ids),
    deadlines,
    idling: new Deadlines(clock, false),
    sleepRules: createSleepRules(),
    codec,
    gated: createGated(),
    doer,
    guests,
    pump,
    deadLetters,
    random,
    lateReply: () => void (lateReplies += 1),
    repeated: () => void (repeats += 1),
    frames: new Frames(),
    turn,
    ended: forget,
    watch,
    admits,
    gauges: { health, onDependency: (dependency, fn) => dependencies.get(dependency.name).onChange(fn) },
  }

  const endings = new Endings()
  const defaults: SpawnDefaults = { mailbox, supervision, timers, newId: createIds((id) => lives.has(id)) }
  let closing: Promise<void> | undefined
  const { launch } = new Launcher({
    services,
    defaults,
    lives,
    endings,
    stores: options.store !== undefined,
    closing: () => closing !== undefined,
  })
  let draining: Promise<DrainReport> | undefined

  function forget(life: Life): void {
    const { id } = life.info
    if (lives.get(id) !== life) return
    lives.delete(id)
    deathWatch.ended(id, life.status as EndedEvent['reason'])
    endings.add(id, life.ending)
  }

  function send(id: string, event: AgentEvent, sendOptions: SendOptions = {}): boolean {
    checkSendOptions(sendOptions)
    const trace: TraceContext | undefined = sendOptions.trace ?? grid?.trace.current
    const life = lives.get(id)
    if (!admits(sendOptions.from)) return lose(id, event, 'draining', trace, sendOptions.id)
    if (life !== undefined) return life.inbox.post(event, trace, undefined, sendOptions.id)
    return lose(id, event, 'unknown-agent', trace, sendOptions.id)
  }

  function lose(agentId: string, event: AgentEvent, reason: DeadLetterReason, trace: TraceContext | undefined, id?: string): false {
    guests.tell('onDeadLetter', deadLetters.add({ agentId, event, reason, atMs: clock.now(), trace, id }))
    return false
  }

  // Agents may finish what they have begun: what they send each other passes.
  function admits(from: string | undefined): boolean {
    return draining === undefined || turn.agentId !== undefined || (from !== undefined && lives.has(from))
  }

  function mayStart(): void {
    if (closing !== undefined) throw new CoreError('CLOSED', 'the system is closed')
    if (draining !== undefined) throw new CoreError('DRAINING', 'the system is being drained: no agent is started any more')
  }

  function watch(watcher: Life, watched: string): () => void {
    const { id } = watcher.info
    if (lives.get(id) !== watcher) throw new CoreError('AGENT_STOPPED', `agent ${quote(id)} is ${watcher.status}: it can watch nobody`)
    return deathWatch.watch(id, watcher, watched, lives.has(watched), watcher.inbox.systemCapacity)
  }

  const forest = createForest({
    services: { clock, random, guests, afterStep: (fn) => (turn.agentId === undefined ? fn() : queueMicrotask(fn)) },
    supervision,
    mayStart,
    launch,
    resolve: (machine, given) => resolveSpawnOptions(machine, given, defaults),
  })

  async function end(timeoutMs: number): Promise<void> {
    forest.close()
    dependencies.close()
    const leaving = [...lives.values()].reverse().map(leave)
    const timedOut = (): CoreError => {
      const late = endings.ids.map(quote).join(', ')
      return new CoreError('CLOSE_TIMEOUT', `no checkpoint within ${timeoutMs} ms of ${late}`)
    }
    try {
      await allWithin(clock, timeoutMs, [...leaving, ...endings.handOver()], timedOut)
    } finally {
      pump.close()
      access.close(new CoreError('CLOSED', 'the system is closed'))
      deadlines.close()
      services.idling.close()
      if (options.store === undefined) await store.close()
    }
  }

  const dependencies = createDependencies({ clock, random, changed: (change) => guests.tell('onDependency', change) })

  const system: ActorSystem = {
    grid,
    clock,
    get agents() {
      return [...lives.keys()]
    },
    spawn<TLogic extends AnyStateMachine>(machine: TLogic, given: SpawnOptions<TLogic> = {}) {
      return new Promise<AgentRef<TLogic>>((resolve, reject) => {
        mayStart()
        launch(resolveSpawnOptions(machine, given, defaults), undefined, resolve as unknown as Parameters<Launch>[2], reject)
      })
    },
    async supervise(spec) {
      mayStart()
      return forest.supervise(spec)
    },
    supervisor: (id) => forest.get(id),
    trees: () => forest.trees(),
    agent: (id) => lives.get(id)?.ref,
    checkpoint: () => checkpointAll(lives.values()),
    send,
    watch(watcher, watched) {
      const life = lives.get(watcher)
      if (life === undefined) throw new CoreError('AGENT_STOPPED', `there is no agent ${quote(watcher)} that could watch`)
      return watch(life, watched)
    },
    deadLetters,
    dependency: (name, given) => dependencies.get(name, given),
    get dependencies() {
      return dependencies.all
    },
    get lateReplies() {
      return lateReplies
    },
    get repeats() {
      return repeats
    },
    use: (hooks) => guests.use(hooks),
    get guestErrors() {
      return guests.errors
    },
    async drain(drainOptions = {}) {
      const resolved = resolveDrainOptions(drainOptions)
      draining ??= drain(
        { clock, lives, busy: () => doer.busy || endings.busy, busyFor: doer.busyFor, close: (timeoutMs) => system.close({ timeoutMs }) },
        resolved,
      )
      return draining
    },
    async close(given) {
      const { timeoutMs } = optionsOf<{ readonly timeoutMs?: number }>('close', given, { timeoutMs: true })
      const deadlineMs = numberOption('timeoutMs', timeoutMs, CLOSE_MS, 0, Infinity)
      closing ??= end(deadlineMs)
      await closing
    },
    [Symbol.asyncDispose]: () => system.close(),
  }
  return system
}
