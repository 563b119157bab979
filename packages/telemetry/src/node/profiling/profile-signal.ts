import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CpuProfile, ProfileOptions } from './cpu-profile.ts'

export interface ProfilingOptions {
  /** The signal that asks for a profile. @default `SIGUSR2` */
  readonly signal?: NodeJS.Signals
  /** Where the files go. @default the current folder */
  readonly folder?: string
  /** @default 10 */
  readonly seconds?: number
}

export interface ProfileSignalParts extends Required<ProfilingOptions> {
  readonly service: string
  readonly profile: (options: ProfileOptions) => Promise<CpuProfile>
  readonly say: (line: string) => void
}

/** Takes a profile into a file at each signal. Returns the end of it. */
export function profileOnSignal({ signal, folder, seconds, service, profile, say }: ProfileSignalParts): () => void {
  let count = 0
  const take = async (): Promise<void> => {
    count += 1
    const path = join(folder, `${service.replace(/[^\w.-]/g, '_')}-${process.pid}-${count}.cpuprofile`)
    try {
      const taken = await profile({ seconds })
      await writeFile(path, JSON.stringify(taken.profile), { flag: 'wx' })
      const [first] = taken.agents
      say(`telemetry: a CPU profile is in ${path}${first === undefined ? '' : `; most time went to ${first.agentId}`}`)
    } catch (error) {
      say(`telemetry: no CPU profile in ${path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const hear = (): void => void take()
  process.on(signal, hear)
  return () => void process.off(signal, hear)
}
