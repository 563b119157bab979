import type { AgentInfo } from '@stigmergy/core'
import { createVirtualClock, type TraceContext } from '@stigmergy/grid'
import { readFlight, telemetryHooks } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { MetricHooks, MetricRow } from '../src/metric-hooks.ts'
import { reasonCode } from '../src/recorder/keep-rules.ts'
import { createRecorderHooks } from '../src/recorder/recorder-hooks.ts'
import { Staged, type Watched } from '../src/recorder/staged.ts'
import { openFlight } from './support/flight.ts'
import { memoryMeter, summary } from './support/otel.ts'
import { seeded } from './support/seeded.ts'
import { agentInfo } from './support/transitions.ts'

const test = suite('transitions that wait to be recorded')
const none: ReadonlySet<string> = new Set()
const robot = agentInfo()
const rules = { keep: { ratio: 0 } } as const

/** A transition has ended, as the hooks say it. */
function tell(staged: Staged, row: Watched, event: string, endedAtMs: number, context: TraceContext, error?: unknown): void {
  const at = staged.claim()
  if (at < 0) return
  staged.say(at, row, event, 'a', 'b', context)
  staged.time(at, 0, 0, endedAtMs, 0)
  if (error !== undefined) staged.mark(at, false, none, none, false, undefined, error)
  staged.commit(at)
}

/** Hooks over a recorder where transitions wait until `settle` is called. */
function open(options: Parameters<typeof openFlight>[0] = rules, seed = 1, waits = true) {
  const asked: (() => void)[] = []
  const opened = openFlight(options, seed, waits ? (settle) => void asked.push(settle) : undefined)
  const { meter, read, close } = memoryMeter()
  const hooks = telemetryHooks({ meter, clock: createVirtualClock(), flight: opened.flight })
  const transitions = hooks.core.transitions!
  return {
    ...opened,
    asked,
    hooks,
    transitions,
    read,
    close,
    step(trace?: TraceContext, error?: unknown, agent: AgentInfo = robot, atMs = 0): TraceContext {
      const context = transitions.start(agent, 'go', trace, atMs, atMs, 0)!
      transitions.end(agent, 'go', trace, atMs, atMs, 0, atMs + 1, 'a', 'b', none, none, error, context)
      return context
    },
  }
}

test('they are written when the turn ends, asked for once, or when 32 wait', () => {
  const { recorder, asked, step } = open()
  for (let i = 0; i < 3; i++) step()
  assert.equal([recorder.ring.head, asked.length], [0, 1])
  asked.shift()?.()
  assert.is(recorder.ring.head, 3)
  for (let i = 0; i < 31; i++) step()
  assert.equal([recorder.ring.head, asked.length], [3, 1])
  step()
  assert.is(recorder.ring.head, 35)
  step()
  assert.is(asked.length, 1, 'who was asked has not come yet')
  asked.shift()?.()
  assert.is(recorder.ring.head, 36)
  step()
  assert.is(asked.length, 1)
})

test('a record says what was told', () => {
  const { transitions, recorder, flight } = open()
  const planner = agentInfo({ id: 'p1', type: 'planner' })
  const tags = [new Set(['stage:planning']), new Set(['keep:debug'])] as const
  for (const [i, error] of [undefined, 'jam'].entries()) {
    const context = transitions.start(planner, 'go', undefined, 1 + i, 2 + i, 3 + i)
    transitions.end(planner, 'go', undefined, 1 + i, 2 + i, 3 + i, 4 + i, 'a', 'b', ...tags, error, context)
  }
  const context = transitions.start(robot, 'stop', undefined, 5, 6, 0)
  transitions.end(robot, 'stop', undefined, 5, 6, 0, 7, 'b', 'c', none, none, undefined, context)
  flight.run(0)
  const { records } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  assert.equal(
    records.map((record) => [record.agentId, record.agentType, record.event, record.from, record.to, record.stage, record.failed]),
    [
      ['p1', 'planner', 'go', 'a', 'b', 'planning', false],
      ['p1', 'planner', 'go', 'a', 'b', 'planning', true],
      ['r1', 'robot', 'stop', 'b', 'c', '', false],
    ],
  )
  assert.equal(
    records.map(({ enqueuedAtMs, startedAtMs, restarts, endedAtMs }) => [enqueuedAtMs, startedAtMs, restarts, endedAtMs]),
    [
      [1, 2, 3, 4],
      [2, 3, 4, 5],
      [5, 6, 0, 7],
    ],
  )
  assert.is(recorder.keeper.kept.debug, 1)
  assert.is(recorder.keeper.kept.error, 1)
})

test('whoever adds or asks something finds them written', async () => {
  const ways: Readonly<Record<string, (opened: ReturnType<typeof open>, context: TraceContext) => unknown>> = {
    failing: ({ step }) => step(undefined, 'x'),
    root: ({ recorder }) => recorder.root('camera frame', {}, 0, 0),
    change: ({ recorder }) => recorder.change('parts', 'put'),
    keep: ({ recorder }, context) => recorder.keep(context, reasonCode('debug')),
    kept: ({ recorder }, context) => recorder.isKept(context),
    link: ({ recorder }, context) => recorder.link(context, context),
    restart: ({ hooks }) => hooks.core.onRestart?.(robot, 1, 'initial'),
    run: ({ flight }) => flight.run(100),
    metrics: ({ read }) => read('telemetry_records_total'),
  }
  for (const [name, way] of Object.entries(ways)) {
    const opened = open()
    const contexts = [opened.step(), opened.step()]
    assert.is(opened.recorder.ring.head, 0)
    await way(opened, contexts[0]!)
    const { records } = readFlight({ ring: opened.recorder.ring.buffer, strings: opened.recorder.strings.buffer }).read(0)
    assert.equal(
      records.slice(0, 2).map(({ spanId }) => spanId),
      contexts.map(({ spanId }) => spanId),
      name,
    )
    await opened.close()
  }
})

test('histograms have them when they are read', async () => {
  const { step, read, close } = open()
  const eye = agentInfo({ id: 'eye', type: 'eye', stage: 'perception' })
  for (let i = 0; i < 5; i++) step(undefined, undefined, eye)
  const [point] = await read('perception_latency_seconds')
  assert.equal(summary(point), { count: 5, sum: 0.005 })
  await close()
})

test('the memory of telemetry is up to date for who reads it here, and a turn later for others', async () => {
  const telemetry = await startTelemetry({ keep: { ratio: 0 }, otlp: false, prometheus: false })
  const { transitions } = telemetry.core
  const step = (): void => {
    const context = transitions!.start(robot, 'go', undefined, 0, 0, 0)
    transitions!.end(robot, 'go', undefined, 0, 0, 0, 1, 'a', 'b', none, none, undefined, context)
  }
  const own = readFlight(telemetry.memory!)
  const copied = readFlight({ ...telemetry.memory! })
  step()
  assert.is(copied.read(0).records.length, 0)
  assert.is(own.read(0).records.length, 1)
  step()
  await new Promise(setImmediate)
  assert.is(copied.read(0).records.length, 2)
  await telemetry.close()
})

test('one that cannot be written is counted, and the others are written', () => {
  const { recorder } = open()
  let lost = 0
  let measured = 0
  const asked: (() => void)[] = []
  const staged = new Staged(recorder, { soon: (settle) => void asked.push(settle), lost: (n) => (lost += n) })
  const add = (event: string): void => {
    const row = { agent: robot, recorded: recorder.rowOf(robot), measured: {} as MetricRow, metrics }
    tell(staged, row, event, 1, recorder.start(undefined))
  }
  const metrics = {
    transition(_row: MetricRow, _agent: AgentInfo, event: string) {
      if (event === 'bad') throw new Error('bad')
      // Who is told of one may cause another: it is written at once, and takes no other's place.
      if (event === 'nested') for (let i = 0; i < 40; i++) add(`inner ${i}`)
      measured += 1
      return false
    },
  } as unknown as MetricHooks
  for (const event of ['first', 'bad', 'nested', 'last']) add(event)
  asked[0]?.()
  assert.equal([lost, measured, recorder.ring.head], [1, 43, 44])
  const { records } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  assert.equal(
    records.map(({ event }) => event).filter((event) => !event.startsWith('inner')),
    ['first', 'bad', 'nested', 'last'],
  )
  assert.is(new Set(records.map(({ event }) => event)).size, 44)
  assert.ok(records.every(({ endedAtMs }) => endedAtMs === 1))
  add('later')
  staged.settle()
  assert.is(recorder.ring.head, 45)
})

test('what is caused while 32 are written comes after them, and loses nothing', () => {
  const { recorder } = open()
  let lost = 0
  const staged = new Staged(recorder, { soon: () => {}, lost: (n) => (lost += n) })
  const heard: string[] = []
  let endless = false
  const add = (event: string): void => {
    const row = { agent: robot, recorded: recorder.rowOf(robot), measured: {} as MetricRow, metrics }
    const error = event === 'inner 1' ? 'jam' : undefined
    tell(staged, row, event, heard.length, recorder.start(undefined), error)
  }
  const metrics = {
    transition(_row: MetricRow, _agent: AgentInfo, event: string) {
      heard.push(event)
      if (event === 'e3') for (let i = 0; i < 3; i++) add(`inner ${i}`)
      if (event === 'inner 1' || endless) add('innermost')
      return false
    },
  } as unknown as MetricHooks
  const events = Array.from({ length: 32 }, (_, i) => `e${i}`)
  for (const event of events) add(event)
  assert.equal(heard, [...events, 'inner 0', 'inner 1', 'inner 2', 'innermost'])
  const { records } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  assert.equal(
    records.map(({ event }) => event),
    heard,
  )
  assert.is(lost, 0)
  endless = true
  add('first')
  staged.settle()
  assert.equal([heard.length, lost], [36 + 32 + 1024, 1], 'who causes one for each is stopped, and that is counted')
  endless = false
  add('later')
  staged.settle()
  assert.equal([heard.at(-1), lost], ['later', 1])
})

test('without waiting each is written at once', () => {
  const { recorder, step } = open(rules, 1, false)
  for (const written of [1, 2, 3]) {
    step()
    assert.is(recorder.ring.head, written)
  }
})

test('each of those that wait has its own world, and is ignored or not', () => {
  const { recorder } = open()
  const staged = new Staged(recorder, { soon: () => {} })
  const told: unknown[] = []
  const metrics = {
    transition: (...[, , , , , , , , ignored]: Parameters<MetricHooks['transition']>) => !ignored!,
    measure: (_row: MetricRow, { event, worldAtMs }: { readonly event: string; readonly worldAtMs?: number }) =>
      told.push([event, worldAtMs]),
  } as unknown as MetricHooks
  const row = { agent: robot, recorded: recorder.rowOf(robot), measured: {} as MetricRow, metrics }
  for (const [event, ignored, worldAtMs] of [
    ['a', false, 5],
    ['b', true, 6],
    ['c', false, undefined],
    ['d', false, 7],
  ] as const) {
    const at = staged.claim()
    staged.say(at, row, event, 'a', 'b', recorder.start(undefined))
    staged.time(at, 0, 0, 1, 0)
    if (ignored || worldAtMs !== undefined) staged.mark(at, false, none, none, ignored, worldAtMs, undefined)
    staged.commit(at)
  }
  staged.settle()
  assert.equal(told, [
    ['a', 5],
    ['c', undefined],
    ['d', 7],
  ])
})

test('a row that is made while others wait, and writes them, loses nothing and doubles nothing', () => {
  const { recorder, flight } = open()
  const metrics = {
    rowOf: () => {
      recorder.root('frame', {}, 0, 0)
      return {}
    },
    transition: () => false,
  } as unknown as MetricHooks
  const { core } = createRecorderHooks({ recorder, staged: flight.staged, metrics, current: undefined })
  const transitions = core.transitions!
  for (const id of ['a', 'b', 'c']) {
    const agent = agentInfo({ id })
    const context = transitions.start(agent, 'go', undefined, 0, 0, 0)
    transitions.end(agent, 'go', undefined, 0, 0, 0, 1, 'a', 'b', none, none, undefined, context)
  }
  recorder.settle()
  assert.is(recorder.ring.head, 6)
})

test('what cannot be said of one stays out of the next', () => {
  const { hooks, flight, recorder } = open()
  const { onTransitionStart, onTransitionEnd } = hooks.core
  const end = (event: string, error: unknown, endedAtMs: unknown): void => {
    const times = { enqueuedAtMs: 0, startedAtMs: 0, restarts: 0, endedAtMs: endedAtMs as number }
    const context = onTransitionStart?.({ agent: robot, event, trace: undefined, ...times })
    const states = { from: 'a', to: 'b', tagsBefore: none, tagsAfter: none, ignored: false, worldAtMs: undefined }
    onTransitionEnd?.({ agent: robot, event, trace: undefined, ...times, ...states, error, context })
  }
  end('a', undefined, 1)
  assert.throws(() => end('b', 'jam', 1n))
  end('c', undefined, 1)
  flight.run(0)
  const { records } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  assert.equal(
    records.map(({ event, failed }) => [event, failed]),
    [
      ['a', false],
      ['c', false],
    ],
  )
})

test('with and without waiting the same is recorded, kept and told', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const options = { keep: { ratio: 0.1, sloMs: { planning: 6 }, slowPerSecond: 5 }, maxSpansPerTrace: 20, maxMebibytes: 1 } as const
    const [late, now] = [true, false].map((waits) => story(open(options, seed, waits), seeded(seed)))
    assert.equal(late, now, `seed ${seed}`)
  }
})

/** Agents that do this and that: what is recorded of it. */
function story({ transitions, recorder, hooks, flight, asked, emitted, told }: ReturnType<typeof open>, random: () => number) {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const agents = [robot, agentInfo({ id: 'p', type: 'planner', stage: 'planning' }), agentInfo({ id: 'r2' })]
  const tags: readonly ReadonlySet<string>[] = [
    none,
    none,
    none,
    new Set(['stage:actuation']),
    new Set(['violation']),
    new Set(['keep:debug']),
  ]
  const contexts: TraceContext[] = [recorder.root('camera frame', {}, 0, 0)]
  for (let atMs = 0; atMs < 400; atMs++) {
    const dice = random()
    const cause = random() < 0.5 ? undefined : pick(contexts.slice(-8))
    const agent = pick(agents)
    if (dice < 0.8) {
      const context = transitions.start(agent, 'go', cause, atMs, atMs, 0)!
      if (random() < 0.2) contexts.push(JSON.parse(JSON.stringify(context)) as TraceContext)
      const error = random() < 0.02 ? 'jam' : undefined
      const endedAtMs = atMs + random() * 8
      const states = [pick(['a', 'b', 'c']), pick(['a', 'b', 'c'])] as const
      const event = pick(['go', 'parts.put'])
      transitions.end(agent, event, cause, atMs, atMs, 1, endedAtMs, ...states, pick(tags), pick(tags), error, context)
      contexts.push(context)
    } else if (dice < 0.85) contexts.push(recorder.root('camera frame', {}, atMs, atMs))
    else if (dice < 0.87) recorder.keep(pick(contexts), reasonCode('stale'))
    else if (dice < 0.89) recorder.link(pick(contexts), pick(contexts))
    else if (dice < 0.91) hooks.plan(pick(contexts), `plan ${atMs}`)
    else if (dice < 0.93) flight.run(5)
    else for (const settle of asked.splice(0)) settle()
  }
  while (flight.run(100));
  const { records } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  return { records, emitted, told, kept: { ...recorder.keeper.kept }, counts: { ...flight.counts } }
}

test.run()
