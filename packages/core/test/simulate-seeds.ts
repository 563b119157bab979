import { COMMIT_POINTS, FAULTS } from '@stigmergy/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What came of many simulations. */
export interface Simulated {
  readonly seeds: number
  readonly events: number
  readonly commits: number
  readonly virtualMs: number
  readonly leastFaults: number
  readonly overwritten: number
  readonly faults: Readonly<Record<string, number>>
  readonly points: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

const child = fileURLToPath(new URL('./simulate-child.ts', import.meta.url))

/** Simulates seeds `first` to `last`, in as many processes as there are cores to use. */
export async function simulateSeeds(first: number, last: number, processes = 2): Promise<Simulated> {
  const { NODE_V8_COVERAGE: _counted, ...env } = process.env
  const share = Math.ceil((last - first + 1) / processes)
  const parts = await Promise.all(
    Array.from({ length: processes }, async (_, at) => {
      const range = [first + at * share, Math.min(last, first + (at + 1) * share - 1)].map(String)
      const args = ['--conditions=@stigmergy/source', '--import', 'tsx', '--max-semi-space-size=64', child, ...range]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1e8 })
      return JSON.parse(stdout) as Simulated
    }),
  )
  return parts.reduce((a, b) => ({
    seeds: a.seeds + b.seeds,
    events: a.events + b.events,
    commits: a.commits + b.commits,
    virtualMs: a.virtualMs + b.virtualMs,
    leastFaults: Math.min(a.leastFaults, b.leastFaults),
    overwritten: a.overwritten + b.overwritten,
    faults: added(a.faults, b.faults),
    points: added(a.points, b.points),
    violations: [...a.violations, ...b.violations],
  }))
}

function added(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.keys({ ...a, ...b }).map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]))
}

/** The table that says how often each thing went wrong. */
export function tableOf({ seeds, events, commits, virtualMs, leastFaults, overwritten, faults, points }: Simulated): string {
  const row = (name: string, n: number): string => `  ${name.padEnd(24)}${String(n).padStart(9)}`
  const head = `  ${seeds} seeds, ${events} events, ${commits} commits, ${Math.round(virtualMs / 1000)} s of virtual time, ${leastFaults} faults a seed at least`
  return [
    head,
    ...Object.entries(faults).map(([name, n]) => row(name, n)),
    ...Object.entries(points).map(([name, n]) => row(`died ${name}`, n)),
    row('entries written late', overwritten),
  ].join('\n')
}

/** A suite of that many seeds: no promise is broken, and every fault and every point of a commit was there often enough. */
export function seedsTest(first: number, last: number, atLeast = 100): void {
  const test = suite(`simulation of seeds ${first} to ${last}`)
  test('no promise is broken, whatever fails', async () => {
    const simulated = await simulateSeeds(first, last)
    console.log(tableOf(simulated))
    assert.equal(simulated.violations, [])
    assert.is(simulated.seeds, last - first + 1)
    assert.ok(simulated.leastFaults >= 20, `a seed had only ${simulated.leastFaults} faults`)
    assert.ok(simulated.events >= simulated.seeds * 50 * 200, String(simulated.events))
    for (const fault of FAULTS) assert.ok(simulated.faults[fault]! >= atLeast, `${fault}: ${simulated.faults[fault]}`)
    for (const point of COMMIT_POINTS) assert.ok(simulated.points[point]! >= atLeast, `${point}: ${simulated.points[point]}`)
  })
  test.run()
}
