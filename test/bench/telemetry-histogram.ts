import { createRequire } from 'node:module'
import { BUCKETS_SECONDS, createRegistry, type TelemetryHooksOptions } from '@stigmergy/telemetry'
import { Histogram, Registry } from 'prom-client'
import type { Row } from './bench.ts'
import { compare } from './compare.ts'

type Meter = NonNullable<TelemetryHooksOptions['meter']>

/** The SDK as telemetry itself has it. */
const sdk = createRequire(import.meta.resolve('@stigmergy/telemetry'))('@opentelemetry/sdk-metrics') as {
  readonly MeterProvider: new (options: object) => { getMeter(name: string): Meter; shutdown(): Promise<void> }
  readonly MetricReader: new () => { collect(): Promise<unknown> }
}

const RECORDS = 200_000
const LABELS = Object.freeze({ agent_type: 'robot', agent_id: 'r1' })

/** Latencies in seconds, the same ones each time. */
const VALUES = Float64Array.from({ length: 1024 }, (_, i) => 0.0004 * 1.01 ** ((i * 7919) % 1024))

/** Nanoseconds per record. */
function cost(record: (value: number) => void): number {
  const began = performance.now()
  for (let i = 0; i < RECORDS; i++) record(VALUES[i & 1023] as number)
  return ((performance.now() - began) / RECORDS) * 1e6
}

/** One value into a histogram with two labels: ours, OpenTelemetry's with a reader, prom-client's with its labels bound. */
export async function histogramRows(): Promise<readonly Row[]> {
  const registry = createRegistry({ maxSeries: 2000, kept: () => false, refused: () => {}, readerFailed: () => {} })
  const ours = registry.histogram('agent_decision_latency_seconds').bind(LABELS)
  const counted = (): number => {
    const [family] = registry.collect()
    return family?.kind === 'histogram' ? (family.points[0]?.counts.reduce((all, each) => all + each, 0) ?? 0) : 0
  }
  class Reader extends sdk.MetricReader {
    async onForceFlush(): Promise<void> {}
    async onShutdown(): Promise<void> {}
  }
  const provider = new sdk.MeterProvider({ readers: [new Reader()] })
  const direct = provider
    .getMeter('bench')
    .createHistogram('agent_decision_latency_seconds', { advice: { explicitBucketBoundaries: [...BUCKETS_SECONDS] } })
  const registers = [new Registry()]
  const buckets = [...BUCKETS_SECONDS]
  const prom = new Histogram({ name: 'x', help: 'x', labelNames: ['agent_type', 'agent_id'], buckets, registers }).labels(LABELS)
  const rows = await compare(
    [
      {
        name: 'histogram',
        async round() {
          const before = counted()
          const spent = cost((value) => ours.record(value))
          return { cost: spent, verified: counted() - before === RECORDS }
        },
      },
      { name: 'otel', round: async () => ({ cost: cost((value) => direct.record(value, LABELS)), verified: true }) },
      { name: 'prom-client', round: async () => ({ cost: cost((value) => prom.observe(value)), verified: true }) },
    ],
    [
      { subject: 'histogram', ours: 'histogram', peer: 'otel' },
      { subject: 'histogram', ours: 'histogram', peer: 'prom-client' },
    ],
    { rounds: 11, unit: 'ns' },
  )
  await provider.shutdown()
  return rows
}
