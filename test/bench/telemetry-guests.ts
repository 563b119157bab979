import { Session } from 'node:inspector/promises'
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

/** Nanoseconds per event of an agent, and whether it handled them all. */
async function agentOf(hooks: CoreHooks): Promise<{ readonly cost: number; readonly verified: boolean }> {
  await using grid = await openGrid()
  await using system = createSystem({ grid, hooks })
  const agent = await system.spawn(machine, { id: 'light' })
  let handled = 0
  agent.subscribe(() => void handled++)
  const began = performance.now()
  for (let sent = 0; sent < EVENTS; sent += BURST) {
    for (let i = 0; i < BURST; i++) agent.send({ type: 'go' })
    await new Promise(setImmediate)
  }
  return { cost: ((performance.now() - began) / EVENTS) * 1e6, verified: handled >= EVENTS }
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

/** With every trace kept, what a bad exporter costs the agents; and what a profile costs while it is taken. */
export async function guestRows(): Promise<readonly Row[]> {
  const all = await Promise.all(
    Object.entries(ANSWERS).map(async ([name, answer]) => {
      const exporter: Exporter = { export: (_, done) => answer(done), shutdown: async () => {} }
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
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 1000 })
  const contenders: Contender[] = [
    ...all.map(({ name, telemetry }) => ({ name, round: async () => agentOf(telemetry.core) })),
    { name: 'plain', round: async () => agentOf({}) },
    {
      name: 'profiled',
      async round() {
        await session.post('Profiler.start')
        const done = await agentOf({})
        await session.post('Profiler.stop')
        return done
      },
    },
  ]
  const pairs = [
    ...all.map(({ name }) => ({ subject: `${name} exporter`, ours: name, peer: 'instant' })),
    { subject: 'profiled', ours: 'profiled', peer: 'plain' },
  ].filter(({ ours }) => ours !== 'instant')
  const rows = await compare(contenders, pairs, { rounds: 9, unit: 'ns' })
  session.disconnect()
  for (const { telemetry } of all) await telemetry.close()
  return rows
}
