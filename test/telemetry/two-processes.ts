// Pipelines of four agents in two processes: eye and robot here, planner and arm there.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { plain, type Fault, type Job, type Line, type Message, type Stage, type TracedSpan } from './messages.ts'
import { LOST, metric, RATIO, startWorker, type Worker } from './steps.ts'

export const FAULTS: readonly Fault[] = ['planner-error', 'planner-slow', 'violation', 'arm-error']

export interface TwoProcesses extends AsyncDisposable {
  readonly here: Worker
  /** The jobs of one stage over there. */
  there(stage: Stage, jobs: readonly Job[]): Promise<readonly Job[]>
  /** What both have exported since the last call. */
  collect(): Promise<{ readonly spans: readonly TracedSpan[]; readonly dropped: number; readonly ratios: readonly number[] }>
  /** Ends the other process at once. */
  kill(): Promise<void>
}

/** `more`: for telemetry here. `env`: for the other process. */
export async function openTwoProcesses(more: StartTelemetryOptions = {}, env: NodeJS.ProcessEnv = {}): Promise<TwoProcesses> {
  const program = new URL('hall.ts', import.meta.url)
  const child = fork(program, {
    env: { ...process.env, ...env },
    execArgv: ['--conditions=@stigmergy/source', '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const line: Line = {
    send: (message) => void (child.connected && child.send(message, () => {})),
    on(hear) {
      child.on('message', hear)
      return () => void child.off('message', hear)
    },
  }
  const next = async <K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> =>
    new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('the other process ended'))
      child.once('exit', gone)
      const end = line.on((message) => {
        if (message.kind !== kind) return
        end()
        child.off('exit', gone)
        resolve(message as Extract<Message, { kind: K }>)
      })
    })
  await next('done')
  const here = await startWorker(line, more)
  return {
    here,
    async there(stage, jobs) {
      const done = next('done')
      line.send({ kind: 'work', stage, jobs })
      return (await done).jobs
    },
    async collect() {
      await here.telemetry.flush()
      const flushThere = async (): Promise<Extract<Message, { kind: 'flushed' }>> => {
        const flushed = next('flushed')
        line.send({ kind: 'flush' })
        return flushed
      }
      const first = await flushThere()
      await here.telemetry.flush()
      // Again: what each decided while it flushed, the other heard of only then.
      const last = await flushThere()
      await here.telemetry.flush()
      const spans = [...first.spans, ...last.spans, ...here.spans.splice(0)]
      const ratios = [await metric(here.telemetry, RATIO), last.ratio]
      return { spans, dropped: last.dropped + here.telemetry.tally.dropped.span, ratios }
    },
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    async [Symbol.asyncDispose]() {
      await here.telemetry.close()
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.disconnect()
      await Promise.race([gone, wait(3000, undefined, { ref: false })])
      child.kill('SIGKILL')
    },
  }
}

export interface RunResult {
  readonly pipelines: number
  readonly faulty: number
  /** Faulty ones that were not exported whole: five spans, each with its parent. */
  readonly incomplete: readonly string[]
  /** Traces exported, and those of them with a hole. */
  readonly exported: number
  readonly holes: number
  readonly dropped: number
  /** Of both processes, as their metrics tell it. */
  readonly ratios: readonly number[]
  readonly lost: number
}

/** Sends pipelines through both, one in a hundred made faulty. `random`: numbers from 0 to below 1. */
export async function runPipelines(pipelines: number, random: () => number, batch = 500): Promise<RunResult> {
  await using two = await openTwoProcesses()
  const { here } = two
  const faulty = new Set<string>()
  for (let sent = 0; sent < pipelines; sent += batch) {
    const jobs = Array.from({ length: Math.min(batch, pipelines - sent) }, (): Job => {
      const fault = random() < 0.01 ? FAULTS[Math.floor(random() * FAULTS.length)] : undefined
      const root = here.telemetry.startTrace('camera frame')
      if (fault !== undefined) faulty.add(root.traceId)
      return { trace: plain(here.step('eye', root)), fault }
    })
    const planned = await two.there('planner', jobs)
    const picked = planned.map(({ trace, fault }) => ({ trace: plain(here.step('robot', trace, fault)), fault }))
    await two.there('arm', picked)
  }
  const { spans, dropped, ratios } = await two.collect()
  const traces = byTrace(spans)
  const incomplete = [...faulty].filter((traceId) => (traces.get(traceId)?.length ?? 0) !== 5 || hasHole(traces.get(traceId) ?? []))
  const holes = [...traces.values()].filter(hasHole).length
  return {
    pipelines,
    faulty: faulty.size,
    incomplete,
    exported: traces.size,
    holes,
    dropped,
    ratios,
    lost: await metric(here.telemetry, LOST),
  }
}

/** The other process dies between two stages. `agreed`: what the metrics count as lost is what is missing. */
export async function runKilled(pipelines: number): Promise<{ readonly lost: number; readonly holes: number; readonly ratio: number }> {
  await using two = await openTwoProcesses({ recorder: { sliceTimeoutMs: 300 } })
  const { here } = two
  const jobs = Array.from({ length: pipelines }, (): Job => ({
    trace: plain(here.step('eye', here.telemetry.startTrace('camera frame'))),
    fault: undefined,
  }))
  const planned = await two.there('planner', jobs)
  await two.kill()
  for (const [i, { trace }] of planned.entries()) here.step('robot', trace, i % 10 === 0 ? 'violation' : undefined)
  await here.telemetry.flush()
  // The parts that died are given up after their time.
  await wait(350)
  const lost = await metric(here.telemetry, LOST)
  const holes = [...byTrace(here.spans).values()].filter(hasHole).length
  return { lost, holes, ratio: await metric(here.telemetry, RATIO) }
}

export function byTrace(spans: readonly TracedSpan[]): Map<string, TracedSpan[]> {
  const traces = new Map<string, TracedSpan[]>()
  for (const span of spans) {
    const known = traces.get(span.traceId)
    if (known === undefined) traces.set(span.traceId, [span])
    else known.push(span)
  }
  return traces
}

export function hasHole(spans: readonly TracedSpan[]): boolean {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  return spans.some(({ parentId }) => parentId !== undefined && !ids.has(parentId))
}
