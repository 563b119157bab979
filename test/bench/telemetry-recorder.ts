import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { AgentInfo, TransitionRecorder } from '@stigmergy/core'
import { systemClock, type Clock } from '@stigmergy/grid'
import { readFlight } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { createActor, createMachine, type AnyEventObject, type AnyMachineSnapshot } from 'xstate'
import { seeded } from '../telemetry/seeded.ts'
import type { Row } from './bench.ts'
import { median } from './compare.ts'

/** V8 compiles in each another way, and a difference is noisier than what it is of: more of them for the one that has a limit. */
const PROCESSES = { recorder: 10, told: 5, wrapped: 5 } as const
/** Of each process, after those in which its code is compiled and the ring grows to its size, 262,144 records. */
const ROUNDS = 20
const WARM_UP = 14
/** What one transition may cost more, recorded. */
const MOST_NS = 350
const BURSTS = 40
/** Events between two turns of the event loop: queues and timers get their time, as in a real process. */
const BURST = 500

export const machine = createMachine({
  id: 'light',
  initial: 'red',
  states: { red: { on: { go: 'green' } }, green: { on: { go: 'red' } } },
})

const CHILD = fileURLToPath(new URL('telemetry-recorder-child.ts', import.meta.url))
const run = promisify(execFile)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A bare XState actor; with a recorder, its logic is wrapped, and the time is read before and after each transition. */
export function xstateActor(
  transitions: TransitionRecorder | undefined,
  clock: Pick<Clock, 'now'> = systemClock(),
): { send(event: { type: 'go' }): void; stop(): unknown } {
  const agent: AgentInfo = { id: 'light', type: 'light', stage: undefined }
  const logic = Object.create(machine) as typeof machine
  if (transitions !== undefined) {
    logic.transition = ((snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: never) => {
      const { type } = event
      // Only what is sent is counted: not the end of the actor.
      if (type !== 'go') return machine.transition(snapshot as never, event as never, scope)
      const started = clock.now()
      const context = transitions.start(agent, type, undefined, started, started, 0)
      const next = machine.transition(snapshot as never, event as never, scope) as AnyMachineSnapshot
      const ended = clock.now()
      const from = snapshot.value as string
      const to = next.value as string
      transitions.end(agent, type, undefined, started, started, 0, ended, from, to, snapshot.tags, next.tags, undefined, context)
      return next
    }) as never
  }
  return createActor(logic).start()
}

/** Told of all, and does nothing: what is left is two reads of the clock and the calls. */
const nobody: TransitionRecorder = { start: () => undefined, end: () => {} }

/** No read of a clock at all: what is left is the wrapper, which is no part of the recorder. */
const still: Pick<Clock, 'now'> = { now: () => 0.5 }

interface Costs {
  /** Nanoseconds per event, of each round. */
  readonly cpu: number[]
  readonly wall: number[]
}

/** Who is measured beside XState alone: the wrapper that calls nobody, with somebody who does nothing, with the recorder as it is by default. */
export type Mode = 'wrapped' | 'told' | 'recorder'

/** What one process measured. */
export interface Measured {
  readonly xstate: Costs
  readonly ours: Costs
  /** Every transition was recorded, and none dropped. */
  readonly verified: boolean
}

/**
 * XState alone, and with one of the three. They take turns each 500 events, so that what slows the machine slows them alike; CPU time beside
 * wall time. Who comes first is drawn by the seed: what a few turns leave is collected at once, so that in a regular order one of the
 * two may pay for both, through all rounds of a process. The recorder: every transition recorded, no trace kept.
 */
export async function measure(mode: Mode, seed: number): Promise<Measured> {
  const telemetry = await startTelemetry({ keep: { ratio: 0 }, otlp: false, prometheus: false })
  const { memory } = telemetry
  const { transitions } = telemetry.core
  if (memory === undefined || transitions === undefined) throw new Error('the recorder is off')
  const ours = { wrapped: () => xstateActor(nobody, still), told: () => xstateActor(nobody), recorder: () => xstateActor(transitions) }
  const actors = [xstateActor(undefined), ours[mode]()]
  const costs: Costs[] = actors.map(() => ({ cpu: [], wall: [] }))
  const random = seeded(seed)
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const spent = actors.map(() => ({ cpu: 0, wall: 0 }))
    for (let burst = 0; burst < BURSTS; burst++) {
      const first = random() < 0.5 ? 0 : 1
      for (let i = 0; i < actors.length; i++) {
        const at = (first + i) % actors.length
        const actor = actors[at] as (typeof actors)[number]
        const began = performance.now()
        const before = process.cpuUsage()
        for (let event = 0; event < BURST; event++) actor.send({ type: 'go' })
        const { user, system } = process.cpuUsage(before)
        const sum = spent[at] as (typeof spent)[number]
        sum.wall += performance.now() - began
        sum.cpu += (user + system) / 1000
        await turn()
      }
    }
    if (round < WARM_UP) continue
    for (const [at, { cpu, wall }] of spent.entries()) {
      costs[at]?.cpu.push((cpu * 1e6) / (BURSTS * BURST))
      costs[at]?.wall.push((wall * 1e6) / (BURSTS * BURST))
    }
  }
  for (const actor of actors) actor.stop()
  // Looked at when all is measured: what a reader makes of thousands of records is collected in the rounds that follow.
  const all = mode === 'recorder' ? (WARM_UP + ROUNDS) * BURSTS * BURST : 0
  const last = Math.min(all, BURSTS * BURST)
  const { records, next } = readFlight(memory).read(all - last)
  const verified = next === all && records.length === last && telemetry.tally.dropped.span === 0
  await telemetry.close()
  return { xstate: costs[0] as Costs, ours: costs[1] as Costs, verified }
}

/** The rounds of several processes, of which each has one recorder, as in life: V8 compiles in each of them another way. */
async function inProcesses(mode: Mode): Promise<Measured> {
  const all: Measured[] = []
  for (let child = 0; child < PROCESSES[mode]; child++) {
    const { stdout } = await run(process.execPath, [...process.execArgv, CHILD, mode, String(child)], { timeout: 120_000 })
    all.push(JSON.parse(stdout) as Measured)
  }
  const joined = (who: 'xstate' | 'ours'): Costs => ({
    cpu: all.flatMap((measured) => measured[who].cpu),
    wall: all.flatMap((measured) => measured[who].wall),
  })
  return { xstate: joined('xstate'), ours: joined('ours'), verified: all.every(({ verified }) => verified) }
}

export async function recorderRows(): Promise<readonly Row[]> {
  const recorder = await inProcesses('recorder')
  const told = await inProcesses('told')
  const wrapped = await inProcesses('wrapped')
  const row = (
    subject: string,
    ours: readonly number[],
    peer: readonly number[],
    unit: string,
    verified: boolean,
    name = 'xstate',
  ): Row => {
    const ratios = ours.map((cost, i) => cost / (peer[i] as number))
    const [min, max] = [Math.min(...ratios), Math.max(...ratios)]
    return { subject, peer: name, ratio: median(ratios), min, max, unit, cost: median(ours), peerCost: median(peer), verified }
  }
  const adds = recorder.ours.cpu.map((cost, i) => cost - (recorder.xstate.cpu[i] as number))
  return [
    row('recorder', recorder.ours.cpu, recorder.xstate.cpu, 'ns of CPU', recorder.verified),
    row('recorder', recorder.ours.wall, recorder.xstate.wall, 'ns', recorder.verified),
    row('recorder-adds', adds, Array.from(adds).fill(MOST_NS), 'ns of CPU', recorder.verified, `${MOST_NS} ns`),
    row('two-clock-reads', told.ours.cpu, told.xstate.cpu, 'ns of CPU', told.verified),
    row('wrapped', wrapped.ours.cpu, wrapped.xstate.cpu, 'ns of CPU', wrapped.verified),
  ]
}
