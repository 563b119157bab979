import { createSystem, type ActorSystem } from '@stigmergy/core'
import { createVirtualClock, type Clock, type Grid, openGrid, type VirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CellSafety, type CellSafetyOptions, openCellSafety } from '../src/cell-safety.ts'
import type { SafetyStop } from '../src/cell-safety-machine.ts'

const test = suite('cell safety')

interface Bench {
  readonly clock: VirtualClock
  readonly grid: Grid
  readonly system: ActorSystem
  readonly safety: CellSafety
  readonly trace: string[]
  readonly stops: SafetyStop[]
  /** A reading of the source. */
  readonly read: (seq: number, epoch?: number) => Promise<unknown>
}

async function inCell(
  run: (bench: Bench) => Promise<void>,
  options: Partial<CellSafetyOptions<number>> = {},
  wrap?: (clock: Clock) => Clock,
): Promise<void> {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock: wrap ? wrap(clock) : clock })
  await using system = createSystem({ grid })
  const map = grid.map<number>('robots')
  const trace: string[] = []
  const stops: SafetyStop[] = []
  await using safety = await openCellSafety({
    system,
    map,
    key: 'r1',
    onState: (state, atMs) => trace.push(`${state} ${Math.round(atMs * 1000) / 1000}`),
    onStop: (stop) => stops.push(stop),
    ...options,
  })
  const read = (seq: number, epoch = 1): Promise<unknown> => map.put('r1', seq, { source: { epoch, seq } })
  await run({ clock, grid, system, safety, trace, stops, read })
}

test('RUN, HOLD, STOP, acknowledged: the whole way by the timer', async () => {
  await inCell(async ({ clock, safety, trace, read }) => {
    await clock.advance(10)
    await read(1)
    await clock.advance(10)
    await read(2)
    await clock.advance(100)
    assert.is(safety.state, 'STOP')
    safety.acknowledge()
    await clock.advance(0)
    assert.is(safety.state, 'STOP')
    await read(3)
    await clock.advance(5)
    assert.is(safety.state, 'STOP')
    safety.acknowledge()
    await clock.advance(0)
    assert.is(safety.state, 'RUN')
    assert.equal(trace, ['RUN 0', 'HOLD 45.001', 'STOP 70.001', 'RUN 125'])
  })
})

test('a source that is never heard stops the cell, unless it is required from its first reading only', async () => {
  await inCell(async ({ clock, safety, stops }) => {
    await clock.advance(1000)
    assert.is(safety.state, 'STOP')
    assert.is(stops.length, 1)
    assert.is(stops[0]!.after, undefined)
  })
  await inCell(
    async ({ clock, safety, stops }) => {
      await clock.advance(1000)
      assert.is(safety.state, 'RUN')
      assert.equal(stops, [])
    },
    { required: 'from-first-reading' },
  )
})

test('only a newer stamp of the source is a sign of life', async () => {
  await inCell(async ({ clock, grid, trace, read }) => {
    const map = grid.map<number>('robots')
    await read(5)
    for (let i = 0; i < 6; i++) {
      await clock.advance(10)
      await map.put('r1', i)
      await read(5).catch(() => {})
      await read(4).catch(() => {})
      await map.put('r2', i, { source: { epoch: 1, seq: 100 + i } })
    }
    assert.equal(trace, ['RUN 0', 'HOLD 25.001', 'STOP 50.001'])
  })
})

test('a source that was restarted counts on in a new epoch', async () => {
  await inCell(async ({ clock, safety, read }) => {
    await read(900)
    await clock.advance(20)
    await read(0, 2)
    await clock.advance(20)
    assert.is(safety.state, 'RUN')
    assert.is(safety.lost, 0)
  })
})

test('a timer that fires early looks again and stops nothing before its time', async () => {
  const early = (clock: Clock): Clock => ({
    ...clock,
    now: () => clock.now(),
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms > 2 ? ms - 1 : ms),
  })
  await inCell(
    async ({ clock, trace, read }) => {
      await read(1)
      await clock.advance(200)
      assert.equal(trace, ['RUN 0', 'HOLD 25.001', 'STOP 50.001'])
    },
    {},
    early,
  )
})

test('a timer that fires late leaves the stop to the row: one stop, of no length', async () => {
  const late = (clock: Clock): Clock => ({ ...clock, now: () => clock.now(), setTimeout: (fn, ms) => clock.setTimeout(fn, ms + 40) })
  await inCell(
    async ({ clock, safety, trace, stops, read }) => {
      for (let seq = 0; seq < 3; seq++) {
        await read(seq)
        await clock.advance(60)
      }
      await read(3)
      safety.release({ epoch: 1, seq: 3 })
      await clock.advance(0)
      assert.equal(
        stops.map(({ after, seenBy }) => [after?.seq, seenBy]),
        [
          [0, 'row'],
          [1, 'row'],
          [2, 'row'],
        ],
      )
      assert.equal(trace.slice(0, 4), ['RUN 0', 'STOP 60', 'RUN 60', 'STOP 120'])
      assert.equal(await safety.ended, { stops: 3, msInRun: 180, msInHold: 0, msInStop: 0 })
    },
    { holdMs: 50, acknowledge: 'when-fresh' },
    late,
  )
})

test('a timer that fires between a commit and its delivery finds the new reading in the near cache', async () => {
  const timers: (() => void)[] = []
  const captured = (clock: Clock): Clock => ({ ...clock, now: () => clock.now(), setTimeout: (fn) => timers.push(fn) })
  await inCell(
    async ({ clock, safety, stops, read }) => {
      await clock.advance(100)
      const committed = read(0)
      for (const fire of timers.splice(0)) fire()
      await committed
      await clock.advance(0)
      // The silence before it was a stop all the same: the row tells it.
      assert.equal(
        stops.map(({ seenBy }) => seenBy),
        ['row'],
      )
      assert.is(safety.state, 'RUN')
    },
    { acknowledge: 'when-fresh' },
    captured,
  )
})

test('a step of the wall clock changes nothing', async () => {
  let wallMs = 0
  const jumping = (clock: Clock): Clock => ({ ...clock, now: () => clock.now(), wallNow: () => (wallMs += 70_000) })
  await inCell(
    async ({ clock, safety, read }) => {
      for (let seq = 0; seq < 20; seq++) {
        await read(seq)
        await clock.advance(20)
      }
      assert.is(safety.state, 'RUN')
    },
    {},
    jumping,
  )
})

test('release with the last stamp ends the account at that reading, also if it was accepted before', async () => {
  for (const before of [true, false]) {
    await inCell(
      async ({ clock, safety, read }) => {
        if (before) safety.release({ epoch: 1, seq: 2 })
        for (let seq = 0; seq < 3; seq++) {
          await clock.advance(20)
          await read(seq)
        }
        await clock.advance(0)
        if (!before) safety.release({ epoch: 1, seq: 2 })
        await clock.advance(500)
        assert.equal(await safety.ended, { stops: 0, msInRun: 40, msInHold: 0, msInStop: 0 })
        assert.is(clock.pending, 0)
      },
      { required: 'from-first-reading' },
    )
  }
})

test('release without a stamp ends it now; close gives the account so far and leaves no timer', async () => {
  await inCell(async ({ clock, safety, read }) => {
    await clock.advance(5)
    await read(0)
    await clock.advance(10)
    safety.release()
    await clock.advance(100)
    assert.equal(await safety.ended, { stops: 0, msInRun: 15, msInHold: 0, msInStop: 0 })
  })
  await inCell(async ({ clock, safety }) => {
    await clock.advance(60)
    await safety.close()
    const { stops, ...ms } = await safety.ended
    assert.is(stops, 1)
    assert.equal(Object.values(ms).map(Math.round), [25, 25, 10])
    assert.is(clock.pending, 0)
  })
})

test.run()
