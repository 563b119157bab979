import { createVirtualClock, openGrid, type Grid, type GridMap } from '@stigmergy/grid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Part } from '../src/cell-maps.ts'
import { simulate } from '../src/sim/run.ts'

const test = suite('simulated run')

const small = { robots: 4, offeredLoad: 3, parts: 5000, seed: 11 } as const

test('a run goes through agents and grid, and holds against Erlang', async () => {
  const grid = await openGrid({ clock: createVirtualClock() })
  const report = await simulate(small, { grid })
  await grid.close()
  assert.ok(report.pass, JSON.stringify(report.checks.filter((check) => !check.pass)))
  assert.is(report.parts, 5000)
  assert.is(report.picked + report.missed, 5000)
  // Per part at least: seen, tracked. Per picked part also: window, claim, three robot steps.
  assert.ok(report.transitions >= 2 * report.parts + 5 * report.picked, String(report.transitions))
  assert.ok(report.gridPuts >= report.parts + 3 * report.picked)
})

test('the same seed gives the same report; another seed another', async () => {
  const once = async (seed: number) => {
    const grid = await openGrid({ clock: createVirtualClock() })
    const report = await simulate({ ...small, parts: 1000, seed, pickTime: 'exponential' }, { grid })
    await grid.close()
    return report
  }
  const [a, b, c] = [await once(5), await once(5), await once(6)]
  assert.equal(a, b)
  assert.is.not(a.missRate, c.missRate)
})

test('one put that gets lost makes the run fail', async () => {
  const grid = await openGrid({ clock: createVirtualClock() })
  const report = await simulate({ ...small, parts: 1000 }, { grid: losingPut(grid, 'p500') })
  await grid.close()
  assert.not(report.pass)
  const failed = report.checks.filter((check) => !check.pass).map((check) => check.name)
  assert.ok(failed.includes('parts seen at the watcher'), failed.join())
})

/** A grid whose `parts` map loses the put of one key. */
function losingPut(grid: Grid, lost: string): Grid {
  const wrap = (map: GridMap<Part>): GridMap<Part> =>
    new Proxy(map, {
      get: (target, property) => {
        // A part is put where there is none: a compare-and-set from version 0.
        if (property === 'compareAndSet') {
          return (key: string, version: number, value: Part) =>
            key === lost && version === 0 ? Promise.resolve({ ok: true }) : target.compareAndSet(key, version, value)
        }
        const value: unknown = Reflect.get(target, property, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  return new Proxy(grid, {
    get: (target, property) => {
      if (property === 'map') return (name: string) => (name === 'parts' ? wrap(target.map<Part>(name)) : target.map(name))
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test.run()
