import { ExportResultCode } from '@opentelemetry/core'
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { Current, isTelemetryError, traceFields } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logRecordOf } from '../src/node/log-record.ts'
import { batchedLogSink } from '../src/node/log-sink.ts'
import { createTally } from '../src/tally.ts'
import { collector } from './support/collector.ts'
import { withEnvironment } from './support/environment.ts'
import { dig } from './support/protobuf.ts'
import { agentInfo } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('logs')
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8')
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

function lines() {
  const all: string[] = []
  return {
    destination: { write: (line: string) => void all.push(line) },
    read: () => all.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

test('a line written by an agent carries its trace, plan and id, and is counted by level', () =>
  withEnvironment({}, async () => {
    const { destination, read } = lines()
    const clock = createVirtualClock()
    const grid = await openGrid({ clock })
    const telemetry = await startTelemetry({ grid, logs: { destination }, prometheus: { port: 0 } })
    const system = createSystem({ grid, hooks: telemetry.core })
    const { logger } = telemetry
    const act = (): void => {
      telemetry.plan(grid.trace.current!, 'plan-7')
      logger.error({ err: new RangeError('jam'), part: 'p1' }, 'dropped')
    }
    const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: { actions: act } } } } })
    const agent = await system.spawn(robot, { id: 'r1' })
    const scrape = async () => (await fetch(telemetry.prometheus!.url)).text()
    const begun = await scrape()
    for (const labels of ['agent_type="robot",level="error"', 'agent_type="robot",level="fatal"', 'level="error"', 'level="info"']) {
      assert.ok(begun.includes(`log_records_total{${labels}} 0\n`), `${labels} begins at 0, so that the first one is seen`)
    }
    logger.info('before')
    const trace = telemetry.startTrace('camera frame')
    system.send(agent.id, { type: 'go' }, { trace })
    await clock.advance(10)
    logger.child(traceFields(trace)).warn('after')
    logger.debug('too small')
    const page = await scrape()
    await system.close()
    await telemetry.close()
    await grid.close()
    const [before, dropped, after, none] = read()
    assert.is(none, undefined)
    assert.equal([before!['msg'], before!['trace_id'], before!['agent_id']], ['before', undefined, undefined])
    const { trace_id: traceId, span_id: spanId, plan_id: planId, agent_id: id, agent_type: type, part, err } = dropped!
    assert.equal([traceId, planId, id, type, part], [trace.traceId, 'plan-7', 'r1', 'robot', 'p1'])
    assert.match(String(spanId), /^[0-9a-f]{16}$/)
    assert.is((err as { message: string }).message, 'jam')
    assert.equal([after!['msg'], after!['trace_id'], after!['span_id']], ['after', trace.traceId, trace.spanId])
    assert.match(page, /^log_records_total\{agent_type="robot",level="error"\} 1$/m)
    assert.match(page, /^log_records_total\{level="info"\} 1$/m)
  }))

test('lines go by OTLP, as protobuf, with the trace in its own place', async () => {
  const { url, posts, close } = await collector()
  await withEnvironment({}, async () => {
    const { destination } = lines()
    const telemetry = await startTelemetry({ service: 'cell-7', otlp: { endpoint: url }, logs: { destination, level: 'debug' } })
    const trace = telemetry.startTrace('camera frame')
    telemetry.logger.child({ ...traceFields(trace), agent_id: 'r1' }).fatal({ err: new Error('no air') }, 'stopped')
    telemetry.logger.debug('small')
    await telemetry.close()
    const body = posts.find(({ path }) => path === '/v1/logs')!.body
    // ExportLogsServiceRequest.resource_logs(1).scope_logs(2).log_records(2): severity_text 3, body 5, attributes 6, trace_id 9, span_id 10
    const [fatal, debug] = dig(body, 1, 2, 2)
    assert.equal([text(dig(fatal!, 3)[0]), text(dig(fatal!, 5, 1)[0])], ['fatal', 'stopped'])
    assert.equal([hex(dig(fatal!, 9)[0]), hex(dig(fatal!, 10)[0])], [trace.traceId, trace.spanId])
    const attributes = Object.fromEntries(dig(fatal!, 6).map((pair) => [text(dig(pair, 1)[0]), text(dig(pair, 2, 1)[0])]))
    assert.equal([attributes['agent_id'], attributes['exception.type'], attributes['exception.message']], ['r1', 'Error', 'no air'])
    assert.is(text(dig(debug!, 5, 1)[0]), 'small')
    assert.equal(dig(debug!, 9).length, 0)
    assert.ok(dig(body, 1, 1, 1).some((pair) => text(dig(pair, 2, 1)[0]) === 'cell-7'))
  })
  await close()
})

test('an exporter that throws, fails or never answers: lines are written all the same, losses are counted', () =>
  withEnvironment({}, async () => {
    const { destination, read } = lines()
    const boom = (): never => {
      throw new Error('boom')
    }
    const logExporters: LogRecordExporter[] = [
      { export: boom, shutdown: boom, forceFlush: async () => {} },
      { export: () => {}, shutdown: async () => {}, forceFlush: async () => {} },
    ]
    const telemetry = await startTelemetry({ logs: { destination }, logExporters, closeTimeoutMs: 100, warn: () => {} })
    for (let i = 0; i < 5000; i++) telemetry.logger.info('x')
    await telemetry.close()
    assert.is(read().length, 5000)
    assert.ok(telemetry.tally.exportFailures.logs >= 2)
    assert.ok(telemetry.tally.dropped.log > 0)
  }))

test('what waits is bounded, and one batch is under way at a time', async () => {
  const tally = createTally()
  const batches: number[] = []
  const answers: (() => void)[] = []
  const sink = batchedLogSink(
    {
      export(records, done) {
        batches.push(records.length)
        answers.push(() => done({ code: ExportResultCode.SUCCESS }))
      },
      shutdown: async () => {},
      forceFlush: async () => {},
    },
    { tally, queueSize: 100, batchSize: 10, delayMs: 3_600_000, timeoutMs: 60_000, onFailure: () => {} },
  )
  for (let i = 0; i < 150; i++) sink.take({} as ReadableLogRecord)
  assert.equal(batches, [10])
  assert.is(tally.dropped.log, 40)
  const closed = sink.close()
  for (let answer = answers.shift(); answer !== undefined; answer = answers.shift()) answer()
  await closed
  assert.is(
    batches.reduce((all, each) => all + each, 0),
    110,
  )
})

test('what is no line of a log is no record', () => {
  const parts = { resource: {} as never, scope: { name: 's' } }
  for (const line of ['', 'text', '5', 'null', '{']) assert.is(logRecordOf(line, parts), undefined)
  const record = logRecordOf('{"level":35,"time":1500.25,"list":[1],"err":"text"}', parts)!
  assert.equal([record.severityText, record.severityNumber, record.body], ['info', 9, ''])
  assert.equal(record.hrTime, [1, 500_250_000])
  assert.equal(record.attributes, { list: '[1]', err: 'text' })
})

for (const rest of [{}, { recorder: false }] as const) {
  test(`the first actions of an agent are its own, also after a restart${'recorder' in rest ? ', without a recorder' : ''}`, () =>
    withEnvironment({}, async () => {
      const { destination, read } = lines()
      const clock = createVirtualClock()
      const grid = await openGrid({ clock })
      const telemetry = await startTelemetry({
        grid,
        otlp: false,
        prometheus: { port: 0, lastScrapeMs: 0 },
        logs: { destination },
        ...rest,
      })
      const system = createSystem({ grid, hooks: telemetry.core })
      const { logger } = telemetry
      let jam = false
      const home = (): void => {
        logger.error('homing')
        if (jam) throw new Error('jam')
      }
      const fail = (): void => {
        throw new Error('slip')
      }
      const arm = setup({}).createMachine({ id: 'arm', initial: 'a', states: { a: { entry: home, on: { go: { actions: fail } } } } })
      await system.spawn(arm, { id: 'arm-7' })
      logger.info('between')
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
      system.send('arm-7', { type: 'go' }, { trace })
      await clock.advance(60_000)
      jam = true
      await system.spawn(arm, { id: 'arm-8' }).catch(() => logger.info('not there'))
      const page = await (await fetch(telemetry.prometheus!.url)).text()
      await system.close()
      await telemetry.close()
      await grid.close()
      assert.equal(
        read().map(({ msg, agent_id: id, agent_type: type, trace_id: traceId }) => [msg, id, type, traceId]),
        [
          ['homing', 'arm-7', 'arm', undefined],
          ['between', undefined, undefined, undefined],
          ['homing', 'arm-7', 'arm', trace.traceId],
          ['homing', 'arm-8', 'arm', undefined],
          ['not there', undefined, undefined, undefined],
        ],
      )
      assert.match(page, /^log_records_total\{agent_type="arm",level="error"\} 3$/m)
    }))
}

test('what is joined with a line stands, and a field of that name is written beside it', () =>
  withEnvironment({}, async () => {
    const written: string[] = []
    const grid = await openGrid()
    const telemetry = await startTelemetry({
      grid,
      service: 'cell-7',
      otlp: false,
      logs: { destination: { write: (line: string) => void written.push(line) } },
    })
    const system = createSystem({ grid, hooks: telemetry.core })
    const { logger } = telemetry
    const foreign = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }
    const late = logger.child({ ...foreign, agent_id: 'r9', level: 0.4, service: 'mine', msg: 'mine' })
    const act = (): void => {
      logger.error({ agent_id: 'r2', agent_type: 'arm', plan_id: 'p1' }, 'cannot be reached')
      logger.error(foreign)
      logger.error({ msg: 'mine', service: 'mine' }, 'text')
      logger.error({ msg: 'mine' })
      logger.child({ part: 'p1' }).child(foreign).error('from a child')
      late.error({ agent_id: 'r3' }, 'from a child of before')
      logger.child(traceFields(grid.trace.current!)).error('the same')
      logger.error({
        get part() {
          logger.child({ agent_id: 'r5' }).error('from a field')
          return 'p2'
        },
      })
    }
    const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: { actions: act } } } } })
    await system.spawn(robot, { id: 'r1' })
    const trace = telemetry.startTrace('camera frame')
    system.send('r1', { type: 'go' }, { trace })
    await new Promise(setImmediate)
    late.error('after it')
    await system.close()
    await telemetry.close()
    await grid.close()
    const names = (line: string) => [...line.matchAll(/[{,]"([^"]+)":/g)].map(([, name]) => name)
    for (const line of written) assert.is(new Set(names(line)).size, names(line).length, line)
    const [other, ids, texts, alone, child, before, same, inner, outer, after] = written.map(
      (line) => JSON.parse(line) as Readonly<Record<string, unknown>>,
    )
    for (const line of [other, ids, texts, alone, child, before, same, inner, outer]) {
      assert.equal([line!['agent_id'], line!['agent_type'], line!['trace_id'], line!['service']], ['r1', 'robot', trace.traceId, 'cell-7'])
    }
    assert.equal([other!['field.agent_id'], other!['field.agent_type'], other!['plan_id']], ['r2', 'arm', 'p1'])
    assert.equal([ids!['field.trace_id'], ids!['field.span_id'], ids!['span_id'] === other!['span_id']], [...Object.values(foreign), true])
    assert.equal([texts!['msg'], texts!['field.msg'], texts!['field.service'], alone!['msg']], ['text', 'mine', 'mine', 'mine'])
    assert.equal([child!['part'], child!['field.trace_id']], ['p1', foreign.trace_id])
    assert.equal([before!['field.agent_id'], before!['field.span_id'], before!['field.level']], ['r3', foreign.span_id, 0.4])
    assert.equal(
      Object.keys(same!).filter((name) => name.startsWith('field.')),
      [],
    )
    assert.equal([inner!['field.agent_id'], outer!['part'], outer!['field.agent_id']], ['r5', 'p2', undefined])
    const { trace_id: traceId, span_id: spanId, agent_id: agent, 'field.msg': msg, msg: said } = after!
    assert.equal([traceId, spanId, agent, msg, said], [foreign.trace_id, foreign.span_id, 'r9', 'mine', 'after it'])
  }))

test('what is no id of a trace stays a field: a collector would refuse the batch for it', () => {
  const parts = { resource: {} as never, scope: { name: 's' } }
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  const spanContext = { traceId: trace, spanId: span, traceFlags: 1 }
  assert.equal(logRecordOf(JSON.stringify({ trace_id: trace, span_id: span }), parts)?.spanContext, spanContext)
  for (const fields of [
    { trace_id: '1234567890123456789', span_id: '987' },
    { trace_id: trace, span_id: '0'.repeat(16) },
    { trace_id: '0'.repeat(32), span_id: span },
    { trace_id: trace.toUpperCase(), span_id: span },
    { trace_id: trace, span_id: `${span}0` },
    { trace_id: trace, span_id: '00f067aa0ba902bg' },
    { trace_id: trace },
  ]) {
    const record = logRecordOf(JSON.stringify(fields), parts)
    assert.equal([record?.spanContext, record?.attributes], [undefined, fields])
  }
  assert.equal(traceFields({ ...spanContext, traceId: '0'.repeat(32), planId: 'p' }), {}, 'of no trace')
})

test('what runs is the innermost transition, also where an end was never told', () => {
  const current = new Current()
  const trace = (n: number) => ({ traceId: String(n), spanId: '', traceFlags: 1 })
  const [a, b, one, two] = [agentInfo({ id: 'a' }), agentInfo({ id: 'b' }), trace(1), trace(2)]
  current.begin(a, one)
  current.begin(b, two)
  assert.is(current.running?.agent.id, 'b')
  current.end(two)
  assert.is(current.running?.trace, one)
  current.begin(b, two)
  current.begin(a, trace(3))
  assert.is(current.running?.agent.id, 'a')
  current.end(one)
  assert.is(current.running?.trace.traceId, '3')
  current.begin(a, one)
  current.end(one)
  assert.is(current.running, undefined)
  for (let i = 0; i < 100; i++) current.begin(agentInfo({ id: String(i) }), trace(i))
  assert.is(current.running?.agent.id, '63')
})

test('bad options are refused, and without logs the logger is silent', () =>
  withEnvironment({}, async () => {
    for (const [logs, message] of [
      [{ level: 'loud' }, 'logs.level is "loud"'],
      [{ destination: 5 }, 'logs.destination is 5'],
    ] as const) {
      const error = await startTelemetry({ logs } as unknown as StartTelemetryOptions).catch((reason: unknown) => reason)
      assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes(message), String(error))
    }
    await using telemetry = await startTelemetry()
    telemetry.logger.child({}).error('nothing')
  }))

test.run()
