import { Session } from 'node:inspector/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { createSystem, type CoreHooks } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { createMachine } from 'xstate'
import type { Row } from './bench.ts'
import { compare, type Contender } from './compare.ts'

type Exporter = NonNullable<StartTelemetryOptions['spanExporters']>[number]
type Done = Parameters<Exporter['export']>[1]

const EVENTS = 20_000
const BURST = 500
const machine = createMachine({ id: 'light', initial: 'red', states: { red: { on: { go: 'green' } }, green: { on: { go: 'red' } } } })

/** An agent that is sent bursts: what the median event waited and took, from its sending to its being handled, in nanoseconds. */
async function agentOf(hooks: CoreHooks): Promise<{ readonly cost: number; readonly verified: boolean }> {
  await using grid = await openGrid()
  await using system = createSystem({ grid, hooks })
  const agent = await system.spawn(machine, { id: 'light' })
  const latencies = new Float64Array(EVENTS)
  let sentAt = 0
  let handled = 0
  agent.subscribe(() => {
    if (handled < EVENTS) latencies[handled] = performance.now() - sentAt
    handled++
  })
  for (let sent = 0; sent < EVENTS; sent += BURST) {
    sentAt = performance.now()
    for (let i = 0; i < BURST; i++) agent.send({ type: 'go' })
    await new Promise(setImmediate)
  }
  return { cost: (latencies.toSorted()[EVENTS >> 1] as number) * 1e6, verified: handled >= EVENTS }
}

const ANSWERS: Readonly<Record<string, (done: Done) => void>> = {
  instant: (done) => done({ code: 0 }),
  slow: (done) => void setTimeout(() => done({ code: 0 }), 20),
  dead: (done) => done({ code: 1, error: new Error('refused') }),
  throwing: () => {
    throw new Error('boom')
  },
  silent: () => {},
}

/** What is on the heap in mebibytes, once what nobody holds is gone. */
function heapMebibytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/**
 * With every trace kept, the median latency of an agent's events beside a bad exporter, against a good one and against none; what all of
 * them hold in memory after the first round and after the last; and what a profile costs while it is taken.
 */
export async function guestRows(): Promise<readonly Row[]> {
  /** Who was given spans at all: one that was not shows nothing. */
  const asked = new Set<string>()
  const all = await Promise.all(
    Object.entries(ANSWERS).map(async ([name, answer]) => {
      const exporter: Exporter = {
        export(_, done) {
          asked.add(name)
          answer(done)
        },
        shutdown: async () => {},
      }
      const options = {
        keep: 'all',
        spanExporters: [exporter],
        otlp: false,
        prometheus: false,
        closeTimeoutMs: 500,
        warn: () => {},
      } as const
      return { name, telemetry: await startTelemetry(options) }
    }),
  )
  // Its exporter holds its thread for 20 ms a batch.
  const busy = `export const spanExporters = [{
    export(spans, done) { const end = performance.now() + 20; while (performance.now() < end); done({ code: 0 }) },
    shutdown: async () => {} }]`
  const module = new URL(`data:text/javascript,${encodeURIComponent(busy)}`)
  const threaded = await startTelemetry({ keep: 'all', exportThread: { module }, otlp: false, prometheus: false, warn: () => {} })
  all.push({ name: 'busy-in-thread', telemetry: threaded })
  all.push({ name: 'no exporter', telemetry: await startTelemetry({ keep: 'all', otlp: false, prometheus: false }) })
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 1000 })
  let heapBefore = 0
  const contenders: Contender[] = [
    ...all.map(({ name, telemetry }) => ({ name, round: async () => agentOf(telemetry.core) })),
    { name: 'plain', round: async () => agentOf({}) },
    {
      name: 'profiled',
      async round() {
        await session.post('Profiler.start')
        const done = await agentOf({})
        await session.post('Profiler.stop')
        if (heapBefore === 0) heapBefore = heapMebibytes()
        return done
      },
    },
  ]
  const bad = all.map(({ name }) => name).filter((name) => name !== 'instant' && name !== 'no exporter')
  const pairs = [
    ...bad.map((name) => ({ subject: `${name} exporter`, ours: name, peer: 'instant' })),
    ...bad.map((name) => ({ subject: `${name} exporter`, ours: name, peer: 'no exporter' })),
    { subject: 'profiled', ours: 'profiled', peer: 'plain' },
  ]
  const measured = await compare(contenders, pairs, { rounds: 9, unit: 'ns p50' })
  const idle = Object.keys(ANSWERS).filter((name) => !asked.has(name))
  const rows = measured.map((row) => ({
    ...row,
    verified: row.verified && !idle.some((name) => row.subject.startsWith(name) || row.peer === name),
  }))
  const heap = heapMebibytes()
  const ratio = heap / heapBefore
  const held: Row = {
    subject: 'heap after all rounds',
    peer: 'after the first',
    ratio,
    min: ratio,
    max: ratio,
    unit: 'MiB',
    cost: heap,
    peerCost: heapBefore,
    verified: true,
  }
  session.disconnect()
  for (const { telemetry } of all) await telemetry.close()
  return [...rows, held]
}
