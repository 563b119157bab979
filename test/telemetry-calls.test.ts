// What agents call, seen by the instrumentations users would name: real servers, real clients.
import { createRequire } from 'node:module'
import type * as Grpc from '@grpc/grpc-js'
import { SpanKind } from '@opentelemetry/api'
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc'
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import type * as IoRedis from 'ioredis'
import type * as Pg from 'pg'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMachine } from 'xstate'
import { ofHttp } from '../packages/telemetry/test/support/of-http.ts'
import { findPostgres, startPostgres } from './components/postgres.ts'
import { findRedis, startRedis } from './components/redis.ts'
import { needs } from './runner/needs.ts'

type Exporter = NonNullable<StartTelemetryOptions['spanExporters']>[number]
type Span = Parameters<Exporter['export']>[0][number]
type Instrumentations = NonNullable<StartTelemetryOptions['instrumentations']>

const test = suite('what agents call')
const onRedis = needs(test, 'redis-server', findRedis() !== undefined)
const onPostgres = needs(test, 'PostgreSQL', findPostgres() !== undefined)
/** Each before the module it watches is loaded. */
const instrumentations: Instrumentations = [ofHttp, new GrpcInstrumentation(), new IORedisInstrumentation(), new PgInstrumentation()]
const load = createRequire(import.meta.url)

/** An agent makes a call in an action; gives what was exported of its trace once that has `count` spans. */
async function called(call: () => Promise<unknown>, count: number): Promise<readonly Span[]> {
  const spans: Span[] = []
  const exporter: Exporter = {
    export(batch, done) {
      spans.push(...batch)
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
  await using grid = await openGrid()
  const telemetry = await startTelemetry({ grid, keep: 'all', spanExporters: [exporter], otlp: false, prometheus: false, instrumentations })
  await using system = createSystem({ grid, hooks: telemetry.core })
  let done: Promise<unknown> = Promise.resolve()
  const actions = (): void => void (done = call())
  const robot = createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: { target: 'b', actions } } }, b: {} } })
  const agent = await system.spawn(robot, { id: 'r1' })
  system.send('r1', { type: 'go' }, { trace: telemetry.startTrace('camera frame') })
  await agent.until((snapshot) => snapshot.matches('b'), { timeoutMs: 5000 })
  await done
  // A span of a call ends some turns after its answer.
  for (let turn = 0; turn < 200 && spans.length < count; turn++) {
    await new Promise(setImmediate)
    await telemetry.flush()
  }
  await telemetry.close()
  return spans
}

/** The span is of the trace of the agent, and under its transition. */
function joins(spans: readonly Span[], name: string): Span {
  const transition = spans.find((span) => span.name === 'robot a -> b')
  const found = spans.find((span) => span.name.startsWith(name))
  assert.ok(transition !== undefined && found !== undefined, spans.map((span) => span.name).join())
  assert.is(found.spanContext().traceId, transition.spanContext().traceId)
  assert.is(found.parentSpanContext?.spanId, transition.spanContext().spanId)
  return found
}

test('gRPC: the call is under the transition, and what serves it is under the call', async () => {
  const grpc = load('@grpc/grpc-js') as typeof Grpc
  const same = (bytes: Buffer): Buffer => bytes
  const method = {
    path: '/cell.Planner/Plan',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  } as const
  const server = new grpc.Server()
  const heard: string[] = []
  const plan: Grpc.handleUnaryCall<Buffer, Buffer> = (call, answer) => {
    heard.push(String(call.metadata.get('traceparent')[0]))
    answer(null, call.request)
  }
  server.addService({ Plan: method }, { Plan: plan })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  const Client = grpc.makeGenericClientConstructor({ Plan: method }, 'Planner')
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  const ask = client['Plan'] as (request: Buffer, answer: (error: unknown, bytes: Buffer) => void) => void
  const spans = await called(() => new Promise((resolve) => ask.call(client, Buffer.from('p7'), (_, bytes) => resolve(bytes))), 4)
  const ofKind = (kind: SpanKind): readonly Span[] => spans.filter((span) => span.kind === kind)
  const [served] = ofKind(SpanKind.SERVER)
  const sent = joins([...ofKind(SpanKind.INTERNAL), ...ofKind(SpanKind.CONSUMER), ...ofKind(SpanKind.CLIENT)], 'grpc.cell.Planner/Plan')
  assert.equal(heard, [`00-${sent.spanContext().traceId}-${sent.spanContext().spanId}-01`])
  assert.is(served?.parentSpanContext?.spanId, sent.spanContext().spanId)
  client.close()
  await new Promise((resolve) => server.tryShutdown(resolve))
})

onRedis('Redis: commands of an action are under its transition', async () => {
  const { Redis } = load('ioredis') as typeof IoRedis
  await using server = await startRedis(findRedis()!)
  const redis = new Redis(server.port, '127.0.0.1', { lazyConnect: true })
  await redis.connect()
  const spans = await called(() => redis.set('part', 'p7'), 3)
  const span = joins(spans, 'set')
  assert.is(span.attributes['db.system'] ?? span.attributes['db.system.name'], 'redis')
  assert.is(await redis.get('part'), 'p7')
  redis.disconnect()
})

onPostgres('PostgreSQL: a query is under the transition, and one that fails says so', async () => {
  const { Client } = load('pg') as typeof Pg
  await using server = await startPostgres(findPostgres()!)
  const client = new Client({ host: '127.0.0.1', port: server.port, user: server.user, database: 'postgres' })
  await client.connect()
  const spans = await called(() => client.query('SELECT 7 AS part'), 3)
  const span = joins(spans, 'pg.query:SELECT')
  assert.is(span.attributes['db.system'] ?? span.attributes['db.system.name'], 'postgresql')
  const failed = joins(await called(() => client.query('SELECT nothing FROM nowhere').catch(() => undefined), 3), 'pg.query:SELECT')
  assert.is(failed.status.code, 2)
  await client.end()
})

test.run()
