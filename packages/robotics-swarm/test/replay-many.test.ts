import { createSystem } from '@stigmergy/core'
import { createVirtualClock, type GridMap, openGrid } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isSwarmError } from '../src/errors.ts'
import type { Recording } from '../src/recording/recording.ts'
import { replay } from '../src/replay/replay.ts'
import { failures, recordingOf, sessionOf, times } from './replay-kit.ts'

const test = suite('replay: many sessions')

/** Sessions of so many positions with this interval, and one disc each. */
function many(sessions: number, rows: number, intervalMs: number): Recording {
  const tMs = times(0, ...Array.from({ length: rows - 1 }, () => intervalMs))
  return recordingOf(...Array.from({ length: sessions }, (_, i) => sessionOf(`s${i}`, tMs, [{ type: 'disc', tMs: 0 }])))
}

test('a change costs the same however many cells there are: only the counters watch whole maps', async () => {
  const watchesOfWholeMaps = async (sessions: number): Promise<readonly string[]> => {
    await using grid = await openGrid({ clock: createVirtualClock() })
    const found: string[] = []
    for (const name of ['robots', 'parts', 'gates', 'quality', 'safety']) {
      const map: GridMap<unknown> = grid.map(name)
      const watch = map.watch.bind(map)
      map.watch = (listener, options) => {
        if (options?.key === undefined) found.push(name)
        return watch(listener, options)
      }
    }
    const result = await replay(many(sessions, 3, 40), { grid })
    assert.is(failures(result), '')
    assert.is(result.report.totals.discs, sessions)
    return found
  }
  assert.equal(await watchesOfWholeMaps(1), ['robots', 'parts', 'quality'])
  assert.equal(await watchesOfWholeMaps(12), ['robots', 'parts', 'quality'])
})

test('the signal is heard while cells are opened', async () => {
  await using grid = await openGrid({ clock: createVirtualClock() })
  await using system = createSystem({ grid })
  const stop = new AbortController()
  const spawn = system.spawn.bind(system)
  let agents = 0
  system.spawn = ((...args: Parameters<typeof spawn>) => {
    if (++agents === 1) setImmediate(() => stop.abort())
    return spawn(...args)
  }) as typeof spawn
  const error: unknown = await replay(many(1500, 2, 40), { grid, system, signal: stop.signal }).catch((reason: unknown) => reason)
  assert.ok(isSwarmError(error, 'ABORTED'), String(error))
  assert.is(error.message, 'interrupted after 0 of 4500 rows')
  assert.ok(agents < 1500, `${agents} agents were opened`)
  assert.equal(system.agents, [])
})

test('on the real clock the signal is heard between the rows of many streams that are all late', async () => {
  await using grid = await openGrid()
  const stop = new AbortController()
  let rows = 0
  grid.map('robots').watch(() => {
    if (++rows === 1) setImmediate(() => stop.abort())
  })
  const error: unknown = await replay(many(100, 250, 0), { grid, signal: stop.signal }).catch((reason: unknown) => reason)
  assert.ok(isSwarmError(error, 'ABORTED'), String(error))
  assert.ok(rows < 12_500, `heard after ${rows} rows of 25000`)
})

test.run()
