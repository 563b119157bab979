import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { AgentInfo, TransitionRecorder } from '@stigmergy/core'
import { systemClock, type Clock } from '@stigmergy/grid'
import { readFlight } from '@stigmergy/telemetry'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { createActor, createMachine, type AnyEventObject, type AnyMachineSnapshot } from 'xstate'
import type { Row } from './bench.ts'
import { median } from './compare.ts'

const PROCESSES = 5
/** Of each process. */
const ROUNDS = 9
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

async function inChild(): Promise<Measured> {
  const { stdout } = await run(process.execPath, [...process.execArgv, CHILD], { timeout: 120_000 })
  return JSON.parse(stdout) as Measured
}

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

/** What one process measured, by contender: XState alone, with the wrapper that calls nobody, with somebody who does nothing, with the recorder. */
export interface Measured {
  readonly costs: readonly [Costs, Costs, Costs, Costs]
  /** Every transition was recorded, and none dropped. */
  readonly verified: boolean
}

/**
 * XState alone, with the wrapper that calls nobody, with somebody who is told of transitions and does nothing, and with the recorder as it is by default: every transition
 * recorded, no trace kept. They take turns each 500 events, so that what slows the machine slows them alike; CPU time beside wall time.
 */
export async function measureRecorder(): Promise<Measured> {
  const telemetry = await startTelemetry({ keep: { ratio: 0 }, otlp: false, prometheus: false })
  const { memory } = telemetry
  const { transitions } = telemetry.core
  if (memory === undefined || transitions === undefined) throw new Error('the recorder is off')
  const names = ['xstate', 'wrapped', 'told', 'recorder'] as const
  const actors = [xstateActor(undefined), xstateActor(nobody, still), xstateActor(nobody), xstateActor(transitions)]
  const costs: Costs[] = names.map(() => ({ cpu: [], wall: [] }))
  const reader = readFlight(memory)
  let next = 0
  let verified = true
  for (let round = 0; round <= ROUNDS; round++) {
    const spent = names.map(() => ({ cpu: 0, wall: 0 }))
    for (let burst = 0; burst < BURSTS; burst++) {
      for (let i = 0; i < names.length; i++) {
        const at = (i + burst) % names.length
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
    const read = reader.read(next)
    if (read.next - next !== BURSTS * BURST) verified = false
    next = read.next
    // One round warms up.
    if (round === 0) continue
    for (const [at, { cpu, wall }] of spent.entries()) {
      costs[at]?.cpu.push((cpu * 1e6) / (BURSTS * BURST))
      costs[at]?.wall.push((wall * 1e6) / (BURSTS * BURST))
    }
  }
  for (const actor of actors) actor.stop()
  if (telemetry.tally.dropped.span > 0) verified = false
  await telemetry.close()
  return { costs: costs as [Costs, Costs, Costs, Costs], verified }
}

/** {@link measureRecorder} in processes of its own: V8 compiles in each of them another way, which moves a cost of 400 ns by 70. */
export async function recorderRows(): Promise<readonly Row[]> {
  const costs: Costs[] = [0, 1, 2, 3].map(() => ({ cpu: [], wall: [] }))
  let verified = true
  for (let child = 0; child < PROCESSES; child++) {
    const measured = await inChild()
    if (!measured.verified) verified = false
    for (const [at, { cpu, wall }] of measured.costs.entries()) {
      costs[at]?.cpu.push(...cpu)
      costs[at]?.wall.push(...wall)
    }
  }
  const [xstate, wrapped, told, recorder] = costs as [Costs, Costs, Costs, Costs]
  const row = (subject: string, ours: readonly number[], peer: readonly number[], unit: string, name = 'xstate'): Row => {
    const ratios = ours.map((cost, i) => cost / (peer[i] as number))
    const [min, max] = [Math.min(...ratios), Math.max(...ratios)]
    return { subject, peer: name, ratio: median(ratios), min, max, unit, cost: median(ours), peerCost: median(peer), verified }
  }
  const adds = recorder.cpu.map((cost, i) => cost - (xstate.cpu[i] as number))
  return [
    row('recorder', recorder.cpu, xstate.cpu, 'ns of CPU'),
    row('recorder', recorder.wall, xstate.wall, 'ns'),
    row('recorder-adds', adds, Array.from(adds).fill(MOST_NS), 'ns of CPU', `${MOST_NS} ns`),
    row('recorder', recorder.cpu, wrapped.cpu, 'ns of CPU', 'wrapped'),
    row('two-clock-reads', told.cpu, wrapped.cpu, 'ns of CPU', 'wrapped'),
    row('wrapped', wrapped.cpu, xstate.cpu, 'ns of CPU'),
  ]
}
