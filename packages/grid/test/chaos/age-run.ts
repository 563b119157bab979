import { machineNow, type TestCluster } from '@stigmergy/grid/testing'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { judgeAges, percentile, type AgeVerdict } from './age-judge.ts'
import { openLink, type Link } from './link.ts'
import type { LoopDelay } from './loop-delay.ts'
import type { AgeReaderLog } from './roles/age-reader.ts'
import type { AgeWriterLog } from './roles/age-writer.ts'
import { startWorker, type Worker } from './workers.ts'

/** What can be done to the cluster and the processes on it. */
export type Disturbance =
  | 'nothing'
  | 'writer slow'
  | 'links slow in turn'
  | 'events dropped'
  | 'reader stalled'
  | 'member joined'
  | 'member paused'
  | 'member killed'

export interface AgeRunOptions {
  /** Three members or more. */
  readonly cluster: TestCluster
  /** Processes that write. */
  readonly writers: number
  /** Of all writers together. */
  readonly perSecond: number
  readonly phases: readonly (readonly [what: Disturbance, ms: number])[]
  readonly random: () => number
  /** Run the workers with the planted bug. @default false */
  readonly planted?: boolean
}

export interface AgePhase {
  readonly what: Disturbance
  readonly samples: number
  readonly boundMs: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly staleMs: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly lies: number
}

export interface AgeRun extends Pick<AgeVerdict, 'lies' | 'wrong'> {
  readonly phases: readonly AgePhase[]
  readonly writes: number
  readonly failed: number
  readonly dropped: number
  /** Of the reader, then of the writers. */
  readonly loops: readonly LoopDelay[]
}

const ROTATING = 50

/**
 * The age-truth experiment: two processes write, one of which holds nothing of the map; one reads; each knowing the machine's monotonic clock; the cluster and the links
 * are disturbed meanwhile. Then what the reader's copy said of its age is compared with what had been acknowledged.
 */
export async function runAges({ cluster, writers: count, perSecond, phases, random, planted = false }: AgeRunOptions): Promise<AgeRun> {
  await using slow = await openLink(random)
  await using lossy = await openLink(random)
  const { clusterName, addresses: members } = cluster
  // A write over the slowed links takes long, and is to be acknowledged all the same.
  const hazelcast = { clusterName, members, prefix: `${randomUUID().slice(0, 8)}.`, deadlineMs: 2000 }
  const shared = { hazelcast, planted }
  const names = Array.from({ length: count }, (_, at) => `w${at + 1}`)
  const starting = names.map((name, at) => {
    const args = { name, perSecond: perSecond / count, rotating: ROTATING, unheld: at % 2 === 1 }
    return startWorker<AgeWriterLog>({ ...shared, name, role: 'age-writer', args, ...(at === 0 && { linkPort: slow.port }) })
  })
  const args = { writers: names, rotating: ROTATING }
  const starter = startWorker<AgeReaderLog>({ ...shared, name: 'r', role: 'age-reader', args, linkPort: lossy.port })
  const [reader, ...writers] = await Promise.all([starter, ...starting])
  const begins: number[] = []
  for (const [what, ms] of phases) {
    begins.push(machineNow())
    await disturb(what, ms, { cluster, slow, lossy, reader })
  }
  begins.push(machineNow())
  const written = await Promise.all(writers.map((writer) => writer.stop()))
  const read = await reader.stop()
  const { lies, judged, wrong } = judgeAges(written, read)
  return {
    lies,
    wrong,
    phases: phases.map(([what], at) => summarize(what, judged, begins[at] as number, begins[at + 1] as number)),
    writes: written.reduce((sum, { onceAckedAt, rotatingAcks }) => sum + onceAckedAt.length + rotatingAcks.flat().length, 0),
    failed: written.reduce((sum, { failed }) => sum + failed, 0),
    dropped: lossy.dropped,
    loops: [read.loop, ...written.map(({ loop }) => loop)],
  }
}

interface Stage {
  readonly cluster: TestCluster
  readonly slow: Link
  readonly lossy: Link
  readonly reader: Worker<AgeReaderLog>
}

async function disturb(what: Disturbance, ms: number, stage: Stage): Promise<void> {
  const { cluster, slow, lossy, reader } = stage
  const last = cluster.members.findLast(({ state }) => state === 'running')
  if (what === 'nothing') return wait(ms)
  if (what === 'links slow in turn') return slowInTurn(ms, stage)
  if (what === 'reader stalled') {
    for (let stalled = 0; stalled < ms; stalled += 500) {
      reader.stall(250)
      await wait(500)
    }
    return
  }
  if (what === 'writer slow') slow.shape({ '*': { delayMs: 40 } })
  if (what === 'events dropped') lossy.shape({ '*': { dropEvents: 0.02 } })
  if (what === 'member joined') await cluster.join()
  if (what === 'member killed') await last?.kill()
  if (what === 'member paused') last?.pause()
  await wait(ms)
  if (what === 'member paused') last?.resume()
  slow.shape({})
  lossy.shape({})
}

/**
 * Of two members, one acknowledges a writer's writes late, so that numbers stay open; and of what the other one did, the reader
 * hears late. Every pair has its turn, since the beats come over some of these links too.
 */
async function slowInTurn(ms: number, { cluster, slow, lossy }: Stage): Promise<void> {
  const { addresses } = cluster
  const pairs = addresses.flatMap((late) => addresses.filter((other) => other !== late).map((other) => [late, other] as const))
  for (const [late, other] of pairs) {
    slow.shape({ [late]: { delayMs: 200 } })
    lossy.shape({ [other]: { delayMs: 300 } })
    await wait(ms / pairs.length)
  }
  slow.shape({})
  lossy.shape({})
}

function summarize(what: Disturbance, judged: AgeVerdict['judged'], from: number, to: number): AgePhase {
  const during = judged.filter(({ at }) => at >= from && at < to)
  const of = (values: readonly number[]): AgePhase['boundMs'] => {
    return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: Math.max(...values) }
  }
  return {
    what,
    samples: during.length,
    boundMs: of(during.map(({ boundMs }) => boundMs)),
    staleMs: of(during.map(({ staleMs }) => staleMs)),
    lies: during.filter(({ boundMs, staleMs }) => staleMs > boundMs).length,
  }
}

/** One line per phase. */
export function describeAges({ phases, writes, failed, dropped, loops }: AgeRun): string {
  const ms = ({ p50, p99, max }: AgePhase['boundMs']): string => [p50, p99, max].map((value) => value.toFixed(1)).join(' / ')
  const lines = phases.map(
    ({ what, samples, boundMs, staleMs, lies }) =>
      `  ${what.padEnd(18)} bound p50 / p99 / max ${ms(boundMs)} ms, real ${ms(staleMs)} ms, ${lies} lies in ${samples} looks`,
  )
  const late = loops.map(({ p99Ms, maxMs }) => `${p99Ms.toFixed(1)} / ${maxMs.toFixed(1)}`).join(', ')
  const sums = `${writes} writes, ${failed} failed, ${dropped} events dropped; event loops of reader and writers late by p99 / max ${late} ms`
  return [...lines, `  ${sums}`].join('\n')
}
