import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openGrid, systemClock } from '@stigmergy/grid'
import { createAlarms, gridBaselines, isTelemetryError, telemetryHooks, type AlarmsOptions, type Baseline } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { writeOperatorFiles } from '@stigmergy/telemetry/operators'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readEnvironment } from '../src/node/environment.ts'
import { withEnvironment } from './support/environment.ts'

const test = suite('wrong options')

const text = (value: unknown): string => JSON.stringify(value) ?? String(value)

test('startTelemetry: a misspelt or impossible option is refused, and named', () =>
  withEnvironment({}, async () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [{ sevice: 'x' }, '"sevice"'],
      [{ keep: { ration: 1 } }, '"ration"'],
      [{ keep: { sloMs: 5 } }, 'keep.sloMs is 5'],
      [{ recorder: { hystoryMs: 4 } }, '"hystoryMs"'],
      [{ otlp: { endpont: 'http://127.0.0.1:1' } }, '"endpont"'],
      [{ otlp: null }, 'otlp is null'],
      [{ otlp: 'http://127.0.0.1:1' }, 'otlp is "http'],
      [{ otlp: { endpoint: 'http://127.0.0.1:1', headers: 7 } }, 'otlp.headers'],
      [{ prometheus: { prt: 1 } }, '"prt"'],
      [{ prometheus: 9464 }, 'prometheus is 9464'],
      [{ logs: null }, 'logs is null'],
      [{ profiling: 'SIGUSR2' }, 'profiling is "SIGUSR2"'],
      [{ spanExporters: {} }, 'spanExporters'],
      [{ spanExporters: [null] }, 'spanExporters is or holds null'],
      [{ spanProcessors: [1] }, 'spanProcessors is or holds 1'],
      [{ logExporters: [1] }, 'logExporters is or holds 1'],
      [{ clock: {} }, 'clock'],
      [{ random: 1 }, 'random is 1'],
      [{ exportThread: { modul: '/x.mjs' } }, 'exportThread has no option "modul"'],
      [{ warn: 1 }, 'warn is 1'],
      [null, 'startTelemetry is null'],
      ['cell', 'startTelemetry is "cell"'],
    ]
    for (const [options, part] of cases) {
      const [result] = await Promise.allSettled([startTelemetry(options as never)])
      assert.ok(result.status === 'rejected' && isTelemetryError(result.reason, 'BAD_OPTION'), text(options))
      assert.ok(String(result.reason).includes(part), String(result.reason))
    }
  }))

test('telemetryHooks: the same', () => {
  const clock = systemClock()
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, 'telemetryHooks is undefined'],
    [{}, 'clock is undefined'],
    [{ clock, meter: {} }, 'meter is [object Object]'],
    [{ clock, tracer: 5 }, 'tracer is 5'],
    [{ clock, policyVerison: 'v2' }, 'no option "policyVerison"'],
  ]
  for (const [options, part] of cases) {
    assert.throws(
      () => telemetryHooks(options as never),
      (error: unknown) => isTelemetryError(error, 'BAD_OPTION') && error.message.includes(part),
    )
  }
})

test('environment: an exporter nobody knows, a port or a time that cannot be', () => {
  const longest = String(2 ** 31)
  for (const [name, value] of [
    ['OTEL_TRACES_EXPORTER', 'jaeger'],
    ['OTEL_METRICS_EXPORTER', 'promethues'],
    ['OTEL_LOGS_EXPORTER', 'otlp,console'],
    ['OTEL_EXPORTER_PROMETHEUS_PORT', '70000'],
    ['OTEL_METRIC_EXPORT_INTERVAL', longest],
    ['OTEL_BSP_EXPORT_TIMEOUT', longest],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '99999999999999'],
  ] as const) {
    assert.throws(
      () => readEnvironment({ [name]: value }),
      (error: unknown) => isTelemetryError(error, 'BAD_OPTION') && (error as Error).message.startsWith(name),
      name,
    )
  }
})

test('createAlarms: a misspelt or impossible option is refused, and named', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ driftt: {} }, '"driftt"'],
    [{ drift: { kk: 1 } }, '"kk"'],
    [{ drift: null }, 'drift is null'],
    [{ slo: 5 }, 'slo is 5'],
    [{ slo: { planner: null } }, 'slo.planner is null'],
    [{ budget: 'low' }, 'budget is "low"'],
    [{ stale: { maxAgeMs: -1 } }, 'stale.maxAgeMs is -1'],
    [{ decisionOf: 5 }, 'decisionOf is 5'],
    [{ baselines: {} }, 'baselines'],
    [{ clock: undefined }, 'clock is undefined'],
    [{ slo: [{ seconds: 1 }] }, 'slo is '],
    [{ telemetry: {} }, 'telemetry is [object Object]: give what startTelemetry()'],
    [{ telemetry: null }, 'telemetry is null'],
    [{ telemetry: 'on' }, 'telemetry is "on"'],
    [{ telemetry: { instruments: {}, keep: () => {} } }, 'telemetry is'],
    [{ telemetry: { ...telemetryHooks({ clock: systemClock() }), base: 5 } }, 'with the base 5'],
    [{ meter: {} }, 'meter is [object Object]'],
  ]
  for (const [options, part] of cases) {
    assert.throws(
      () => createAlarms({ clock: systemClock(), ...(options as Partial<AlarmsOptions>) }),
      (error: unknown) => isTelemetryError(error, 'BAD_OPTION') && (error as Error).message.includes(part),
      text(options),
    )
  }
})

const kind = JSON.stringify(['planner', '', ''])
const decide = (alarms: ReturnType<typeof createAlarms>, count: number): void => {
  for (let i = 0; i < count; i++) alarms.decided({ id: 'p1', type: 'planner' }, { action: i % 2 === 0 ? 'left' : 'right' })
}

test('what is no baseline is told once, is no reason to throw, and is replaced by one that is', async () => {
  for (const bad of [{ version: 1, actions: null }, { version: 'x', actions: { a: 1 } }, { version: 1, actions: {} }, 5]) {
    const grid = await openGrid()
    const map = grid.map<unknown>('telemetry.baselines', { schemaVersion: 1 })
    await map.put(kind, bad)
    const errors: unknown[] = []
    const baselines = gridBaselines(grid, { onError: (error) => void errors.push(error) })
    const alarms = createAlarms({ clock: grid.clock, baselines, drift: { windowDecisions: 20, baselineDecisions: 400 } })
    decide(alarms, 400)
    assert.is(errors.length, 1, text(bad))
    assert.match(String(errors[0]), /telemetry\.baselines holds no baseline/)
    await new Promise(setImmediate)
    assert.equal((map.peek(kind)?.value as Baseline | undefined)?.actions, { left: 200, right: 200 })
    alarms.close()
    await grid.close()
  }
})

test('a baseline that is not taken is tried again after as many decisions, not with each', () => {
  let saves = 0
  const baselines = { peek: () => undefined, save: () => void saves++ }
  const alarms = createAlarms({ clock: systemClock(), baselines, drift: { windowDecisions: 20, baselineDecisions: 400 } })
  decide(alarms, 2000)
  assert.is(saves, 5)
  alarms.close()
})

test('a failure whose error has no text is counted like any other', () => {
  const alarms = createAlarms({ clock: systemClock() })
  const error = { toString: () => ({}) }
  alarms.core.onFailure!({
    agent: { id: 'a', type: 'planner', stage: undefined },
    error,
    event: 'go',
    trace: undefined,
    decision: { type: 'stop' },
  })
  assert.is(alarms.failures.length, 1)
  alarms.close()
})

test('files for operators: what cannot be put in its place leaves nothing half-written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stigmergy-operators-'))
  try {
    // Something else stands where the first file belongs.
    await mkdir(join(folder, 'prometheus/stigmergy.rules.yml/deep'), { recursive: true })
    const [result] = await Promise.allSettled([writeOperatorFiles(folder)])
    assert.is(result.status, 'rejected')
    assert.equal(await readdir(join(folder, 'prometheus')), ['stigmergy.rules.yml'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test.run()
