import { COMMIT_POINTS, FAULTS, simulate, type SimulationReport } from '@stigmergy/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { simulateAll } from './simulate-pool.ts'

/** Faults that are counted though they were not planned. */
const BY_THEMSELVES = new Set<string>(['told-twice', 'wall-clock-off'])

/** What came of many simulations. */
export interface Simulated {
  readonly reports: readonly SimulationReport[]
  readonly events: number
  readonly leastEvents: number
  readonly leastFaults: number
  readonly faults: Readonly<Record<string, number>>
  readonly points: Readonly<Record<string, number>>
}

export function sumOf(reports: readonly SimulationReport[]): Simulated {
  const faults: Record<string, number> = Object.fromEntries(FAULTS.map((name) => [name, 0]))
  const points: Record<string, number> = Object.fromEntries(COMMIT_POINTS.map((name) => [name, 0]))
  let [events, leastEvents, leastFaults] = [0, Infinity, Infinity]
  for (const report of reports) {
    events += report.events
    leastEvents = Math.min(leastEvents, report.leastEvents)
    leastFaults = Math.min(leastFaults, plannedOf(report))
    for (const [name, n] of Object.entries(report.faults)) faults[name] = (faults[name] ?? 0) + n
    for (const [name, n] of Object.entries(report.points)) points[name] = (points[name] ?? 0) + n
  }
  return { reports, events, leastEvents, leastFaults, faults, points }
}

function plannedOf({ faults }: SimulationReport): number {
  return Object.entries(faults).reduce((sum, [kind, n]) => (BY_THEMSELVES.has(kind) ? sum : sum + n), 0)
}

const total = (reports: readonly SimulationReport[], of: (report: SimulationReport) => number): number =>
  reports.reduce((sum, report) => sum + of(report), 0)

/** The table that says how often each thing went wrong. */
export function tableOf({ reports, events, leastEvents, leastFaults, faults, points }: Simulated): string {
  const row = (name: string, n: number): string => `  ${name.padEnd(24)}${String(n).padStart(9)}`
  const commits = total(reports, (report) => report.commits)
  const seconds = Math.round(total(reports, ({ virtualMs }) => virtualMs) / 1000)
  return [
    `  ${reports.length} seeds, ${events} events, ${commits} commits, ${seconds} s of virtual time`,
    `  at least ${leastEvents} events of each agent and ${leastFaults} planned faults in each seed`,
    ...Object.entries(faults).map(([name, n]) => row(name, n)),
    ...Object.entries(points).map(([name, n]) => row(`died ${name}`, n)),
    row(
      'entries written late',
      total(reports, ({ overwritten }) => overwritten),
    ),
  ].join('\n')
}

/** Seeds whose promises were broken, each simulated once more here, alone: it must come out the same. */
async function broken(reports: readonly SimulationReport[]): Promise<readonly string[]> {
  const texts: string[] = []
  for (const report of reports.filter(({ violations }) => violations.length > 0).slice(0, 5)) {
    const again = await simulate({ seed: report.seed })
    const same = again.hash === report.hash ? 'the same again when run alone' : `NOT the same when run alone: ${again.hash}`
    texts.push(`seed ${report.seed}, hash ${report.hash} (${same}): ${report.violations.join('; ')}`)
  }
  return texts
}

/** A suite of that many seeds: no promise is broken, and every fault and every point of a commit was there often enough. */
export function seedsTest(first: number, last: number, atLeast = 100): void {
  const test = suite(`simulation of seeds ${first} to ${last}`)

  test('no promise is broken, whatever fails', async () => {
    const seeds = Array.from({ length: last - first + 1 }, (_, at) => first + at)
    const beganMs = performance.now()
    // The first ones twice, next to each other: so in two processes.
    const [twice, once] = [seeds.slice(0, 3), seeds.slice(3)]
    const all = await simulateAll([...twice.flatMap((seed) => [seed, seed]), ...once])
    const pairs = twice.map((_, at) => [all[2 * at], all[2 * at + 1]] as const)
    const reports = [...pairs.map(([one]) => one as SimulationReport), ...all.slice(2 * twice.length)]
    const sum = sumOf(reports)
    console.log(`${tableOf(sum)}\n  ${((performance.now() - beganMs) / 1000).toFixed(1)} s`)

    assert.equal(await broken(reports), [])
    assert.equal(
      reports.map(({ seed }) => seed),
      seeds,
    )
    for (const [one, other] of pairs) assert.equal(other, one, 'the same seed in another process is another run')
    const here = await simulate({ seed: first })
    assert.equal(here, reports[0], 'the same seed in this process, of other files, is another run')
    assert.ok(sum.leastFaults >= 20, `a seed had only ${sum.leastFaults} faults`)
    assert.ok(sum.leastEvents >= 200, `an agent had only ${sum.leastEvents} events`)
    for (const fault of FAULTS) assert.ok(sum.faults[fault]! >= atLeast, `${fault}: ${sum.faults[fault]}`)
    for (const point of COMMIT_POINTS) assert.ok(sum.points[point]! >= atLeast, `${point}: ${sum.points[point]}`)
  })

  test.run()
}
