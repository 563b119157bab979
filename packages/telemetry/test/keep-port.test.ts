import { createVirtualClock, openGrid, type Grid } from '@stigmergy/grid'
import { gridKeepPort, isTelemetryError, type GridKeepPortOptions, type KeepDecision } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('keep port')

const decision = (n: number): KeepDecision => ({ traceId: n.toString(16).padStart(32, '0'), reason: 'error' })

/** The same object, but that one method of it is another. */
function but<T extends object>(target: T, method: string, other: (...args: never[]) => unknown): T {
  return new Proxy(target, {
    get(inner, name) {
      const value: unknown = name === method ? other : Reflect.get(inner, name, inner)
      return typeof value === 'function' && name !== method ? (value.bind(inner) as unknown) : value
    },
  })
}

/** A grid whose cluster is away: it takes no writes. */
function away(grid: Grid): Grid {
  const refuse = async (): Promise<never> => Promise.reject(new Error('no cluster'))
  const maps = but(grid, 'map', (...args: Parameters<Grid['map']>) => but(grid.map(...args), 'put', refuse))
  return but(maps, 'topic', (...args: Parameters<Grid['topic']>) => but(grid.topic(...args), 'publish', refuse))
}

test('what the grid does not take is counted: decisions and receipts', async () => {
  await using grid = await openGrid()
  const errors: unknown[] = []
  const keepPort = gridKeepPort(away(grid), { onError: (error) => errors.push(error) })
  const telemetry = await startTelemetry({ otlp: false, prometheus: false, keepPort, warn: () => {}, spanExporters: [] })
  for (let i = 0; i < 50; i++) telemetry.startTrace('reading', {}, { debug: true })
  await telemetry.flush()
  await telemetry.close()
  // The greeting, 50 decisions, 50 receipts.
  assert.is(telemetry.tally.dropped.decision, 101)
  assert.ok(errors.length > 50)
})

test('a storm of decisions is bounded; the rest is counted', async () => {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const port = gridKeepPort(grid, { maxPerSecond: 10 })
  const many = Array.from({ length: 300 }, (_, n) => decision(n))
  assert.is(await port.tell(many), 200)
  assert.is([...grid.map('telemetry.keep', { ttlMs: 30_000 }).entries()].length, 100)
  assert.is(await port.tell(many), 300)
  await clock.advance(2000)
  assert.is(await port.tell(many), 280)
})

test('wrong options are refused', async () => {
  await using grid = await openGrid()
  const wrong: readonly (readonly [unknown, unknown, string])[] = [
    [{}, {}, 'grid is'],
    [undefined, {}, 'grid is undefined'],
    [grid, { tllMs: 5 }, 'no option "tllMs"'],
    [grid, { ttlMs: 'x' }, 'ttlMs is "x"'],
    [grid, { maxPerSecond: 0 }, 'maxPerSecond is 0'],
    [grid, { onError: 5 }, 'onError is 5'],
    [grid, { map: '' }, 'map is ""'],
  ]
  for (const [given, options, message] of wrong) {
    try {
      gridKeepPort(given as Grid, options as GridKeepPortOptions)
      assert.unreachable(message)
    } catch (error) {
      assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes(message), String(error))
    }
  }
})

test.run()
