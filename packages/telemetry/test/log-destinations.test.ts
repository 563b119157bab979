import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { isTelemetryError } from '@stigmergy/telemetry'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { guardStream } from '../src/node/guarded-stream.ts'
import { logRecordOf } from '../src/node/log-record.ts'
import { withEnvironment } from './support/environment.ts'
import { setup } from './support/xstate.ts'

const test = suite('log destinations')
const quiet = { otlp: false, prometheus: false, warn: () => {} } as const
const broken = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space left')) })

test('a destination that fails by its error event ends no process, and each line it loses is counted', async () => {
  const destination = broken()
  const telemetry = await startTelemetry({ ...quiet, logs: { destination } })
  for (let i = 0; i < 3; i++) telemetry.logger.info('lost')
  await telemetry.close()
  assert.is(telemetry.tally.dropped.log, 3)
})

test('a file that cannot be opened ends no process that is still starting, nor one whose telemetry is off', () =>
  withEnvironment({}, async () => {
    const gone = () => createWriteStream('/no/such/folder/cell.log')
    const start = async (destination: Writable, port = 0) => startTelemetry({ ...quiet, prometheus: { port }, logs: { destination } })
    const unopened = gone()
    const starting = start(unopened)
    assert.is(unopened.listenerCount('error'), 1, 'at once')
    // Without a listener this would throw, as the stream does on its own.
    unopened.emit('error', new Error('ENOENT'))
    await using telemetry = await starting
    telemetry.logger.info('lost')
    await telemetry.flush()
    assert.is(telemetry.tally.dropped.log, 1)
    const sound = new PassThrough()
    const error = await start(sound, telemetry.prometheus!.port).catch((reason: unknown) => reason)
    assert.ok(isTelemetryError(error, 'PORT_IN_USE'), String(error))
    assert.is(sound.listenerCount('error'), 0, 'a start that fails leaves it as it was')
    await withEnvironment({ OTEL_SDK_DISABLED: 'true' }, async () => {
      const off = await start(sound)
      assert.is(sound.listenerCount('error'), 1)
      await off.close()
      assert.is(sound.listenerCount('error'), 0)
      const wrong = { logs: { destination: 5 } } as unknown as StartTelemetryOptions
      await (await startTelemetry(wrong)).close()
    })
  }))

test('an emitter that is no stream of Node is listened to as well, until the close', async () => {
  let listener: (() => void) | undefined
  const destination = { write: () => true, on: (_: string, fn: () => void) => (listener = fn), off: () => (listener = undefined) }
  const telemetry = await startTelemetry({ ...quiet, logs: { destination } })
  telemetry.logger.info('written')
  const listening = listener
  await telemetry.close()
  assert.equal([typeof listening, listener], ['function', undefined])
  listening?.()
  assert.is(telemetry.tally.dropped.log, 1)
})

test('standard output of which the reader is gone ends no process', async () => {
  const program = `
    import { startTelemetry } from '@stigmergy/telemetry/node'
    const telemetry = await startTelemetry({ otlp: false, logs: true })
    telemetry.logger.info('the first')
    process.stdin.once('data', async () => {
      for (let i = 0; i < 10; i++) telemetry.logger.info('nobody reads this')
      await telemetry.close()
      process.exit(telemetry.tally.dropped.log > 0 ? 7 : 8)
    })`
  const flags = ['--conditions=@stigmergy/source', '--import', 'tsx', '--input-type=module', '-e', program]
  const child = spawn(process.execPath, flags, { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const closed = once(child.stdout, 'close')
  child.stdout.destroy()
  await closed
  child.stdin.end('go')
  const [code] = (await once(child, 'exit')) as [number]
  assert.is(code, 7)
})

test('what waits in a destination that stands still is bounded; the rest is dropped and counted', async () => {
  const still = new Writable({ write: () => {} })
  const telemetry = await startTelemetry({ ...quiet, closeTimeoutMs: 20, logs: { destination: still } })
  const line = 'x'.repeat(2 ** 16)
  for (let i = 0; i < 1000; i++) telemetry.logger.info(line)
  assert.ok(still.writableLength < 17 * 2 ** 20, `${still.writableLength} bytes wait`)
  assert.ok(telemetry.tally.dropped.log > 700)
  await telemetry.close()
  assert.is(telemetry.tally.dropped.log, 1000, 'what waited was given up')
})

test('a stream is listened to while it is held or writing, and what it writes late counts once', async () => {
  const answers: ((error?: Error) => void)[] = []
  const slow = new Writable({ write: (_chunk, _encoding, done) => void answers.push(done) })
  let lost = 0
  const out = guardStream(slow, (lines) => (lost += lines), false)
  assert.is(slow.listenerCount('error'), 0)
  out.write('a')
  assert.is(slow.listenerCount('error'), 1)
  const settled = out.settled()
  answers.shift()?.()
  await settled
  assert.is(slow.listenerCount('error'), 0)
  out.write('b')
  out.abandon()
  answers.shift()?.(new Error('late'))
  await out.settled()
  assert.is(lost, 1)
})

test('fields named level and time, and an err that is no error, are told, and the line keeps its own', async () => {
  const lines: string[] = []
  const telemetry = await startTelemetry({ ...quiet, logs: { destination: { write: (line) => lines.push(line) } } })
  telemetry.logger.error({ level: 0.4, err: 'text' }, 'battery level')
  telemetry.logger.child({ time: '2026-01-01' }).warn('took')
  telemetry.logger.error({ err: new RangeError('jam') }, 'dropped')
  await telemetry.close()
  const [battery, took, dropped] = lines.map((line) => logRecordOf(line, { resource: {} as never, scope: { name: 's' } }))
  assert.equal([battery?.severityText, battery?.attributes['field.level'], battery?.attributes['err']], ['error', 0.4, 'text'])
  assert.ok((took?.hrTime[0] ?? 0) > 1.7e9)
  assert.equal([took?.severityText, took?.attributes['field.time']], ['warn', '2026-01-01'])
  assert.equal([dropped?.attributes['exception.message'], dropped?.attributes['err']], ['jam', undefined])
})

test('without a recorder a line in an action has its agent, and the trace of its cause', async () => {
  const lines: string[] = []
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const telemetry = await startTelemetry({ ...quiet, grid, recorder: false, logs: { destination: { write: (line) => lines.push(line) } } })
  const system = createSystem({ grid, hooks: telemetry.core })
  const act = (): void => telemetry.logger.error('in an action')
  const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: { actions: act } } } } })
  const agent = await system.spawn(robot, { id: 'r1' })
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  system.send(agent.id, { type: 'go' }, { trace })
  system.send(agent.id, { type: 'go' })
  await clock.advance(10)
  telemetry.logger.info('outside')
  await system.close()
  await telemetry.close()
  const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(
    told.map((line) => [line['agent_id'], line['agent_type'], line['trace_id']]),
    [
      ['r1', 'robot', trace.traceId],
      ['r1', 'robot', undefined],
      [undefined, undefined, undefined],
    ],
  )
})

test.run()
