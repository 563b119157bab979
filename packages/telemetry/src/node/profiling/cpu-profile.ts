import { Session } from 'node:inspector/promises'
import type { Clock } from '@stigmergy/grid'
import { TelemetryError } from '../../errors.ts'
import { quote } from '../../options.ts'
import { readFlight, type FlightRecord, type RecorderMemory } from '../../recorder/read.ts'
import { optionsOf } from '../option-names.ts'
import { agentSamples, type AgentShare, type CpuProfileData } from './agent-samples.ts'

export interface ProfileOptions {
  /** How long. @default 10 */
  readonly seconds?: number
  /** Between two samples. Microseconds. @default 1000 */
  readonly intervalUs?: number
  /** Ends it early; what there is until then is the result. */
  readonly signal?: AbortSignal
}

/** Where the processor's time went, and which agents had it. */
export interface CpuProfile {
  /** To be written as `.cpuprofile`; also holds `agents` and `agentOfSample`. */
  readonly profile: CpuProfileData
  /** Most samples first; empty without a recorder, or where the clock is not the system's. */
  readonly agents: readonly AgentShare[]
  /** Records of the recorder that were overwritten meanwhile. */
  readonly missedRecords: number
}

export interface CpuProfilerParts {
  readonly clock: Clock
  readonly recorder: { readonly memory: RecorderMemory; readonly head: () => number } | undefined
  /** Ends with the telemetry. */
  readonly closed: AbortSignal
}

/** One profile at a time. Throws `TelemetryError` BAD_OPTION or PROFILE_RUNNING. */
export function createCpuProfiler({ clock, recorder, closed }: CpuProfilerParts): (options?: ProfileOptions) => Promise<CpuProfile> {
  let running = false
  return async (given = {}) => {
    const { seconds = 10, intervalUs = 1000, signal } = optionsOf.profile(given)
    within('seconds', seconds, 0.001, 600)
    within('intervalUs', intervalUs, 50, 1_000_000)
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TelemetryError('BAD_OPTION', `signal is ${quote(signal)}: give the signal of an AbortController`)
    }
    if (running) throw new TelemetryError('PROFILE_RUNNING', 'a profile is being taken: wait for it, or abort the `signal` it was given')
    running = true
    const session = new Session()
    try {
      session.connect()
      const from = recorder?.head() ?? 0
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
      await session.post('Profiler.start')
      // Both clocks at one moment: V8 tells times of the system's monotonic clock.
      const offsetUs = Number(process.hrtime.bigint() / 1000n) - clock.now() * 1000
      await pause(seconds * 1000, [closed, ...(signal === undefined ? [] : [signal])])
      const { profile } = (await session.post('Profiler.stop')) as { readonly profile: CpuProfileData }
      const { records, missed } =
        recorder === undefined ? { records: [], missed: 0 } : await readAll(recorder.memory, from, recorder.head())
      const found = agentSamples(profile, records, (ms) => ms * 1000 + offsetUs)
      return { profile: { ...profile, ...found }, agents: found.agents, missedRecords: missed }
    } finally {
      running = false
      session.disconnect()
    }
  }
}

/** Records read between two turns of the loop: some 5 ms. */
const PORTION = 4096

async function readAll(
  memory: RecorderMemory,
  from: number,
  until: number,
): Promise<{ readonly records: readonly FlightRecord[]; readonly missed: number }> {
  const reader = readFlight(memory)
  const records: FlightRecord[] = []
  let missed = 0
  for (let at = from; at < until;) {
    const read = reader.read(at, Math.min(PORTION, until - at))
    records.push(...read.records)
    missed += read.missed
    at = read.next
    await new Promise(setImmediate)
  }
  return { records, missed }
}

function within(name: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && value >= min && value <= max) return
  throw new TelemetryError('BAD_OPTION', `${name} is ${quote(value)}: give a number from ${min} to ${max}`)
}

/** Real time, also in a simulation: what is measured is the processor. */
function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    for (const signal of signals) {
      if (signal.aborted) return end()
      signal.addEventListener('abort', end)
    }
  })
}
