// pnpm measure:age [--seconds N]: how old a copy says it is, and how old it is, at 1,000 writes/s by two processes with beats every
// 10 ms and nothing broken: with one member, whose p99 is judged (30 ms), and with three. What holds a bound up is printed beside
// it: how late the event loops of the processes ran. To be run on a machine that does nothing else.
import { startCluster } from '@stigmergy/grid/testing'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { describeAges, runAges, type AgeRun } from '../../packages/grid/test/chaos/age-run.ts'
import { createRandom } from '../../packages/grid/test/random.ts'
import { AS_IN_USE } from '../bench/grid/raw-client.ts'

const LIMIT_MS = 30
const WARM_UP_MS = 5000

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
const seconds = Number(values.seconds)
if (!Number.isSafeInteger(seconds) || seconds < 1) throw new Error(`--seconds is ${values.seconds}: give a whole number from 1 on`)

async function measure(members: number): Promise<AgeRun> {
  await using cluster = await startCluster({ members, javaArguments: AS_IN_USE })
  const phases = [
    ['nothing', WARM_UP_MS],
    ['nothing', seconds * 1000],
  ] as const
  // Awaited here: the cluster ends with this block.
  return await runAges({ cluster, writers: 2, perSecond: 1000, random: createRandom(6), phases })
}

console.log(`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} before`)
for (const members of [1, 3]) {
  const run = await measure(members)
  const bound = run.phases[1]?.boundMs.p99 ?? NaN
  const verdict = members > 1 ? '' : `: p99 ${bound.toFixed(1)} ms, ${bound <= LIMIT_MS ? 'within' : 'over'} ${LIMIT_MS} ms`
  console.log(`${members} member(s)${verdict}; the first line while the processes warm up\n${describeAges(run)}`)
  if (run.lies.length > 0 || run.wrong.length > 0) throw new Error(`${run.lies.length} lies, ${run.wrong.length} wrong keys`)
  if (members === 1 && !(bound <= LIMIT_MS)) process.exitCode = 1
}
