// Pipelines of two processes that know each other only by the cluster: contexts in entries, decisions in a map, receipts in a topic.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { startGridWorker, type GridWorker, type Item, type Place } from './cluster-stages.ts'
import type { Fault, TracedSpan } from './messages.ts'
import { LOST, metric, RATIO } from './steps.ts'
import { byTrace, FAULTS, hasHole, type RunResult } from './two-processes.ts'

/** How long a batch may take, and what was decided may need to reach the other process. */
const BATCH_MS = 60_000

interface Flushed {
  readonly spans: readonly TracedSpan[]
  readonly ratio: number
  readonly dropped: number
  readonly failed: number
}

async function startHall(place: Place): Promise<ChildProcess> {
  const child = fork(new URL('cluster-hall.ts', import.meta.url), {
    env: { ...process.env, HALL_PLACE: JSON.stringify(place) },
    execArgv: ['--conditions=@stigmergy/source', '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the other process ended')
    }),
  ])
  return child
}

async function flushHall(child: ChildProcess): Promise<Flushed> {
  const answer = once(child, 'message')
  child.send('flush')
  return ((await answer) as [Flushed])[0]
}

/** Resolves when that many different keys have come into the map. */
function arrivals({ grid }: GridWorker, map: string): (count: number) => Promise<void> {
  const keys = new Set<string>()
  let look: () => void = () => {}
  grid.map<Item>(map).watch((change) => {
    if (change.type === 'put') keys.add(change.key)
    else if (change.type === 'resync') for (const key of change.entries.keys()) keys.add(key)
    look()
  })
  return (count) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${map}: ${keys.size} of ${count} after ${BATCH_MS} ms`)), BATCH_MS)
      look = () => {
        if (keys.size < count) return
        clearTimeout(timer)
        resolve()
      }
      look()
    })
}

async function endHall(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.disconnect()
  await Promise.race([gone, wait(5000, undefined, { ref: false })])
  child.kill('SIGKILL')
}

/** One in a hundred is made faulty. `random`: numbers from 0 to below 1. */
export async function runCluster(place: Place, pipelines: number, random: () => number, batch = 250): Promise<RunResult> {
  const here = await startGridWorker(place)
  const child = await startHall(place)
  try {
    here.stage('robot', 'plans', 'picks')
    const placed = arrivals(here, 'placed')
    const percepts = here.grid.map<Item>('percepts')
    const faulty = new Set<string>()
    for (let sent = 0; sent < pipelines; sent += batch) {
      const size = Math.min(batch, pipelines - sent)
      const puts = Array.from({ length: size }, async (_, i) => {
        const fault: Fault | null = random() < 0.01 ? (FAULTS[Math.floor(random() * FAULTS.length)] ?? null) : null
        const root = here.telemetry.startTrace('camera frame')
        if (fault !== null) faulty.add(root.traceId)
        await percepts.put(`p${sent + i}`, { fault }, { trace: here.step('eye', root) })
      })
      await Promise.all(puts)
      await placed(sent + size)
    }
    // What each decided while it flushed, the other hears of through the cluster: until nobody has more to tell.
    const spans: TracedSpan[] = []
    let last: Flushed = { spans: [], ratio: Number.NaN, dropped: 0, failed: 0 }
    for (let quiet = 0; quiet < 3;) {
      await here.telemetry.flush()
      last = await flushHall(child)
      const found = [...here.spans.splice(0), ...last.spans]
      spans.push(...found)
      quiet = found.length === 0 ? quiet + 1 : 0
      await wait(200)
    }
    const traces = byTrace(spans)
    return {
      pipelines,
      faulty: faulty.size,
      incomplete: [...faulty].filter((traceId) => (traces.get(traceId)?.length ?? 0) !== 5 || hasHole(traces.get(traceId) ?? [])),
      exported: traces.size,
      holes: [...traces.values()].filter(hasHole).length,
      dropped: last.dropped + here.telemetry.tally.dropped.span + last.failed + here.failed(),
      ratios: [await metric(here.telemetry, RATIO), last.ratio],
      lost: await metric(here.telemetry, LOST),
    }
  } finally {
    await endHall(child)
    await here.close()
  }
}

/** The other process is killed after it has planned and before it tells of it; one pipeline in ten turns out to matter only then. */
export async function runClusterKilled(place: Place, pipelines: number): Promise<Pick<RunResult, 'lost' | 'holes'>> {
  const here = await startGridWorker(place, { sliceTimeoutMs: 1000 })
  const child = await startHall(place)
  try {
    const planned = arrivals(here, 'plans')
    const percepts = here.grid.map<Item>('percepts')
    const put = async (_: unknown, i: number): Promise<unknown> =>
      percepts.put(`p${i}`, { fault: null }, { trace: here.step('eye', here.telemetry.startTrace('camera frame')) })
    await Promise.all(Array.from({ length: pipelines }, put))
    await planned(pipelines)
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    let at = 0
    for (const { trace } of here.grid.map<Item>('plans').entries()) {
      if (trace !== undefined) here.step('robot', trace, at++ % 10 === 0 ? 'violation' : undefined)
    }
    await here.telemetry.flush()
    // The parts that died are given up after their time.
    await wait(1100)
    const lost = await metric(here.telemetry, LOST)
    return { lost, holes: [...byTrace(here.spans).values()].filter(hasHole).length }
  } finally {
    await endHall(child)
    await here.close()
  }
}
