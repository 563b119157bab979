// Simulates the seeds from argv[2] to argv[3] and prints what came of them, summed up, as one line of JSON.
import { simulate } from '../src/testing/index.ts'

const [from, to] = process.argv.slice(2).map(Number) as [number, number]
const total = {
  seeds: 0,
  events: 0,
  commits: 0,
  virtualMs: 0,
  leastFaults: Infinity,
  overwritten: 0,
  faults: {},
  points: {},
  violations: [] as string[],
}

function addTo(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + n
}

for (let seed = from; seed <= to; seed++) {
  const { events, commits, virtualMs, faults, points, overwritten, violations } = await simulate({ seed })
  total.seeds += 1
  total.events += events
  total.commits += commits
  total.virtualMs += virtualMs
  total.overwritten += overwritten
  const planned = Object.entries(faults).filter(([kind]) => kind !== 'told-twice' && kind !== 'wall-clock-off')
  total.leastFaults = Math.min(
    total.leastFaults,
    planned.reduce((sum, [, n]) => sum + n, 0),
  )
  addTo(total.faults, faults)
  addTo(total.points, points)
  total.violations.push(...violations.map((text) => `seed ${seed}: ${text}`))
}
process.stdout.write(`${JSON.stringify(total)}\n`)
