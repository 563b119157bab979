import { createVirtualClock } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBelt } from '../src/belt.ts'
import { type Arrival, createClaimWindows } from '../src/claim-windows.ts'

const test = suite('belt')

test('counts grow with time while it runs and stand while it is stopped', async () => {
  const clock = createVirtualClock()
  const belt = createBelt({ clock, speedMps: 0.2, countsPerMetre: 10_000 })
  await clock.advance(500)
  assert.is(belt.counts(), 1000)
  belt.stop()
  await clock.advance(10_000)
  assert.is(belt.counts(), 1000)
  assert.is(belt.msUntil(1200), Number.POSITIVE_INFINITY)
  assert.is(belt.msUntil(900), 0)
  belt.start()
  assert.is(belt.msUntil(1200), 100)
})

const line = (stop?: { atMs: number; forMs: number }) => {
  const clock = createVirtualClock()
  const belt = createBelt({ clock, speedMps: 0.5, countsPerMetre: 1000 })
  const seen: string[] = []
  const windows = createClaimWindows({
    clock,
    belt,
    stations: [500, 1000, 1500],
    reach: 25,
    onArrival: (arrival: Arrival) => {
      seen.push(`${arrival.part}@${arrival.station} ${Math.round(clock.now() - startMs)}`)
      if (arrival.station < 3) windows.passOn(arrival)
    },
  })
  const startMs = clock.now()
  if (stop !== undefined) {
    clock.setTimeout(() => belt.stop(), stop.atMs)
    clock.setTimeout(() => belt.start(), stop.atMs + stop.forMs)
  }
  return { clock, belt, windows, seen }
}

test('tells each station in turn, in the order of the belt, at the time the encoder says', async () => {
  const { clock, windows, seen } = line()
  windows.follow('a', 0, undefined)
  windows.follow('b', 50, undefined)
  await clock.advance(10_000)
  assert.equal(seen, ['a@0 1000', 'b@0 1100', 'a@1 2000', 'b@1 2100', 'a@2 3000', 'a@3 3000', 'b@2 3100', 'b@3 3100'])
})

test('a stopped belt brings nothing nearer', async () => {
  const { clock, windows, seen } = line({ atMs: 1500, forMs: 4000 })
  windows.follow('a', 0, undefined)
  await clock.advance(10_000)
  assert.equal(seen, ['a@0 1000', 'a@1 6000', 'a@2 7000', 'a@3 7000'])
})

test('a part told again goes on at the next station ahead of it, never behind', async () => {
  const { clock, windows, seen } = line()
  await clock.advance(1500)
  windows.follow('a', 0, undefined)
  await clock.advance(10_000)
  assert.equal(seen, ['a@1 2000', 'a@2 3000', 'a@3 3000'])
})

test('close leaves no timer behind', async () => {
  const { clock, windows, seen } = line()
  windows.follow('a', 0, undefined)
  windows.close()
  await clock.advance(10_000)
  assert.equal(seen, [])
  assert.is(clock.pending, 0)
})

test.run()
