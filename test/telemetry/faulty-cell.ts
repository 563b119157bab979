import { child, createSystem, type ActorSystem } from '@stigmergy/core'
import type { Grid } from '@stigmergy/grid'
import { createAlarms } from '@stigmergy/telemetry'
import type { Telemetry } from '@stigmergy/telemetry/node'
import { fromPromise, setup } from 'xstate'

/** Every alert of the files for operators that something in a process can cause at once, and who is told of it. */
export const EXPECTED: Readonly<Record<string, string>> = {
  StaleWorldModel: 'on-call',
  MapStale: 'on-call',
  SourceStale: 'on-call',
  SafetyViolation: 'safety',
  DecisionDrift: 'on-call',
  ErrorsSpread: 'on-call',
  DecisionObjectiveMissed: 'on-call',
  DecisionsSlow: 'tickets',
  AgentRestarting: 'tickets',
  SupervisorGaveUp: 'tickets',
  NeedUnmet: 'tickets',
  MailboxesWait: 'tickets',
  DeadLetters: 'tickets',
  BreakerOpen: 'on-call',
  PolicyInferenceErrors: 'tickets',
  JournalLag: 'tickets',
  TelemetryDrops: 'tickets',
}

/** A cell in which everything can go wrong. */
export interface FaultyCell extends AsyncDisposable {
  readonly system: ActorSystem
  /** Some work with nothing wrong in it. */
  work(): void
  /** Everything goes wrong once more. */
  fail(): Promise<void>
}

const press = setup({}).createMachine({
  id: 'press',
  initial: 'open',
  states: { open: { on: { hit: 'crushed' } }, crushed: { tags: 'violation', on: { release: 'open' } } },
})
/** Jams, after it has pushed its part to the next one. */
const robotIn = (system: () => ActorSystem) =>
  setup({ types: { events: {} as { type: 'boom'; next: readonly string[] } } }).createMachine({
    id: 'robot',
    on: {
      boom: {
        actions: ({ event: { next } }: { event: { next: readonly string[] } }) => {
          const [first, ...others] = next
          if (first !== undefined) system().send(first, { type: 'boom', next: others })
          throw new Error('jam')
        },
      },
    },
  })
const planner = setup({}).createMachine({
  id: 'planner',
  initial: 'a',
  states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } },
  on: { think: { actions: () => busy(210) } },
})
const gripper = setup({ actors: { infer: fromPromise(() => Promise.reject(new Error('no gradient'))) } }).createMachine({
  id: 'gripper',
  initial: 'idle',
  states: { idle: { on: { grasp: 'thinking' } }, thinking: { invoke: { id: 'policy:grasp', src: 'infer', onError: 'idle' } } },
})

/** Holds the thread, as a decision does that takes too long. */
function busy(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs;);
}

export async function openFaultyCell(grid: Grid, telemetry: Telemetry): Promise<FaultyCell> {
  const system = createSystem({ grid, hooks: telemetry.core })
  const alarms = createAlarms({
    clock: grid.clock,
    telemetry,
    stale: { maxAgeMs: 200 },
    budget: { agents: 1 },
    drift: { windowDecisions: 20, baselineDecisions: 400 },
    slo: { planner: { seconds: 0.1, share: 0.9 } },
    errors: { expectedPerHour: 1_000_000, spreadMs: 2000 },
  })
  system.use(alarms.core)
  let wrong = false
  let times = 0
  telemetry.observeAge(() => [
    { map: 'parts', ageMs: wrong ? 90 : 10 },
    { map: 'parts', source: 'lidar', ageMs: wrong ? 9000 : 100 },
  ])
  telemetry.observe('journal_lag_records', () => [{ value: wrong ? 20_000 : 10, labels: { journal: 'moves', consumer: 'audit' } }])
  const store = system.dependency('store', { breaker: { failures: 1, openMs: 3000 } })
  const robot = robotIn(() => system)
  const supervision = { maxRestarts: 10_000, backoff: { minMs: 1, maxMs: 1 } }
  await system.spawn(press, { id: 'press-1', needs: { store: { dependency: store } } })
  await system.spawn(planner, { id: 'planner-1', stage: 'planning' })
  await system.spawn(gripper, { id: 'gripper-1' })
  for (let i = 0; i < 6; i++) await system.spawn(robot, { id: `robot-${i}`, supervision })
  await system.supervise({ id: 'cell', maxRestarts: 0, children: [child(robot, { id: 'last-robot' })] })
  const decide = (action: string, ageMs: number): void => {
    alarms.decided({ id: 'picker-1', type: 'picker' }, { action, readAgesMs: [ageMs] })
  }
  for (let i = 0; i < 400; i++) decide(i % 2 === 0 ? 'left' : 'right', 5)

  return {
    system,
    work() {
      wrong = false
      for (let i = 0; i < 40; i++) {
        decide(i % 2 === 0 ? 'left' : 'right', 5)
        system.send('planner-1', { type: 'go' })
      }
      void store.call(() => 'up').catch(() => {})
    },
    async fail() {
      wrong = true
      for (let i = 0; i < 40; i++) decide('left', 450)
      for (const type of ['hit', 'release']) system.send('press-1', { type })
      // Each pushes its part to the next one before it jams.
      const [first = '', ...next] = Array.from({ length: 6 }, (_, i) => `robot-${i}`)
      system.send(first, { type: 'boom', next }, { trace: telemetry.startTrace('jam') })
      if (system.agents.includes('last-robot')) system.send('last-robot', { type: 'boom', next: [] })
      system.send('nobody', { type: 'go' })
      system.send('gripper-1', { type: 'grasp' })
      telemetry.recordTaskAssignment(Number.NaN)
      // Not each time: while the thread is held nobody can scrape.
      if (times++ % 3 === 0) {
        system.send('planner-1', { type: 'think' })
        // Many: what one stall makes slow in a row counts as little more than one.
        for (let i = 0; i < 150; i++) system.send('planner-1', { type: 'go' })
      }
      await store.call(() => Promise.reject(new Error('down'))).catch(() => {})
    },
    async [Symbol.asyncDispose]() {
      await system.close()
      alarms.close()
    },
  }
}
