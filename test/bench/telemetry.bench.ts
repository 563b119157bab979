import { createRequire } from 'node:module'
import { createSystem, type CoreHooks, type TransitionRecorder } from '@stigmergy/core'
import { openGrid, systemClock } from '@stigmergy/grid'
import { telemetryHooks, type TelemetryHooksOptions } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import type { Bench, Row } from './bench.ts'
import { compare, type Contender } from './compare.ts'
import { awaitRows } from './telemetry-await.ts'
import { guestRows } from './telemetry-guests.ts'
import { histogramRows } from './telemetry-histogram.ts'
import { machine, recorderRows, xstateActor } from './telemetry-recorder.ts'

/** The SDK as telemetry itself has it. */
const sdk = createRequire(import.meta.resolve('@stigmergy/telemetry'))('@opentelemetry/sdk-trace-base') as {
  readonly BasicTracerProvider: new (options: object) => {
    getTracer(name: string): NonNullable<TelemetryHooksOptions['tracer']>
    forceFlush(): Promise<void>
    shutdown(): Promise<void>
  }
  readonly BatchSpanProcessor: new (exporter: object, options: object) => object
}
const api = createRequire(import.meta.resolve('@stigmergy/telemetry'))('@opentelemetry/api') as {
  readonly createNoopMeter: () => TelemetryHooksOptions['meter']
}

const EVENTS = 20_000
/** Events between two turns of the event loop: queues and timers get their time, as in a real process. */
const BURST = 500

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Counts what is exported. */
function countingExporter() {
  let count = 0
  return {
    count: () => count,
    export(spans: readonly unknown[], done: (result: { readonly code: 0 }) => void): void {
      count += spans.length
      done({ code: 0 })
    },
    shutdown: async (): Promise<void> => {},
  }
}

/** Nanoseconds per event of a bare XState actor, told to a recorder; `settle`: until all is exported. */
async function bareXState(transitions: TransitionRecorder, settle: () => Promise<void>): Promise<number> {
  const actor = xstateActor(transitions)
  const began = performance.now()
  for (let sent = 0; sent < EVENTS; sent += BURST) {
    for (let i = 0; i < BURST; i++) actor.send({ type: 'go' })
    await turn()
  }
  await settle()
  const cost = ((performance.now() - began) / EVENTS) * 1e6
  actor.stop()
  return cost
}

/** An agent of ours. Returns nanoseconds per event. */
async function agentOf(hooks: CoreHooks): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const grid = await openGrid()
  const system = createSystem({ grid, hooks })
  const agent = await system.spawn(machine, { id: 'light' })
  const began = performance.now()
  for (let sent = 0; sent < EVENTS; sent += BURST) {
    for (let i = 0; i < BURST; i++) agent.send({ type: 'go' })
    await turn()
  }
  const cost = ((performance.now() - began) / EVENTS) * 1e6
  const verified = system.guestErrors === 0
  await system.close()
  await grid.close()
  return { cost, verified }
}

const core: Contender = { name: 'core', round: () => agentOf({}) }

/** The recorder as it is by default, without traces to keep: every transition recorded, none exported. */
async function recorded(keep: 'all' | { readonly ratio: number }) {
  const exporter = countingExporter()
  // For these rows alone: nothing may be dropped.
  process.env['OTEL_BSP_MAX_QUEUE_SIZE'] = '32768'
  try {
    const telemetry = await startTelemetry({ keep, spanExporters: [exporter], otlp: false, prometheus: false })
    return { telemetry, exporter }
  } finally {
    delete process.env['OTEL_BSP_MAX_QUEUE_SIZE']
  }
}

/** Every transition a span that is exported: ours, made from the recorder, and the SDK's, made at once. */
async function spanRows(): Promise<readonly Row[]> {
  const keeping = await recorded('all')
  const { transitions } = keeping.telemetry.core
  if (transitions === undefined) throw new Error('the recorder is off')
  const direct = countingExporter()
  const provider = new sdk.BasicTracerProvider({
    spanProcessors: [new sdk.BatchSpanProcessor(direct, { maxQueueSize: 32_768, scheduledDelayMillis: 100 })],
  })
  const tracer = provider.getTracer('bench')
  const hooks = telemetryHooks({ tracer, meter: api.createNoopMeter(), clock: systemClock() }).core
  const spans: TransitionRecorder = {
    start: (agent, event, trace, enqueuedAtMs, startedAtMs, restarts) =>
      hooks.onTransitionStart?.({ agent, event, trace, enqueuedAtMs, startedAtMs, restarts }),
    end: (
      agent,
      event,
      trace,
      enqueuedAtMs,
      startedAtMs,
      restarts,
      endedAtMs,
      from,
      to,
      tagsBefore,
      tagsAfter,
      error,
      context,
      ignored = false,
      worldAtMs,
    ) =>
      hooks.onTransitionEnd?.({
        agent,
        event,
        trace,
        enqueuedAtMs,
        startedAtMs,
        restarts,
        endedAtMs,
        from,
        to,
        tagsBefore,
        tagsAfter,
        error,
        context,
        ignored,
        worldAtMs,
      }),
  }
  const rows = await compare(
    [
      {
        name: 'span-kept',
        async round() {
          const before = keeping.exporter.count()
          const cost = await bareXState(transitions, () => keeping.telemetry.flush())
          return { cost, verified: keeping.exporter.count() - before === EVENTS }
        },
      },
      {
        name: 'otel',
        async round() {
          const before = direct.count()
          const cost = await bareXState(spans, () => provider.forceFlush())
          return { cost, verified: direct.count() - before === EVENTS }
        },
      },
    ],
    [{ subject: 'span-kept', ours: 'span-kept', peer: 'otel' }],
    { rounds: 11, unit: 'ns' },
  )
  await keeping.telemetry.close()
  await provider.shutdown()
  return rows
}

/** Agents of ours, with telemetry as it is by default and without. */
async function coreRows(): Promise<readonly Row[]> {
  const resting = await recorded({ ratio: 0 })
  const rows = await compare(
    [core, { name: 'recorder-in-core', round: () => agentOf(resting.telemetry.core) }],
    [{ subject: 'recorder-in-core', ours: 'recorder-in-core', peer: 'core' }],
    { rounds: 11, unit: 'ns' },
  )
  await resting.telemetry.close()
  return rows
}

const ROWS = {
  recorder: recorderRows,
  'span-kept': spanRows,
  'recorder-in-core': coreRows,
  histogram: histogramRows,
  guests: guestRows,
  await: awaitRows,
} as const

export const bench: Bench = {
  title:
    'One transition: XState alone, with the flight recorder, with spans of kept traces, with spans of OpenTelemetry made at once; one value in a histogram; bad exporters; a profile; an await',
  rows: Object.keys(ROWS),
  async run(wanted) {
    const rows: Row[] = []
    for (const [name, measure] of Object.entries(ROWS)) if (wanted(name)) rows.push(...(await measure()))
    return rows
  },
}
