import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CpuProfile, ProfileOptions } from './cpu-profile.ts'

export interface ProfilingOptions {
  /** The signal that asks for a profile. It ends the process no more, also after the close. @default `SIGUSR2` */
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

const unheard = (): void => {}

/**
 * From now on the signal ends this process no more, though nobody takes a profile: what is sent to all cells, or sent while this one ends,
 * asks for a profile and not for the end of the agents (I7).
 */
export function survive(signal: NodeJS.Signals): void {
  if (!process.listeners(signal).includes(unheard)) process.on(signal, unheard)
}

/** Takes a profile into a file at each signal. Returns the end of it: later signals do nothing. */
export function profileOnSignal({ signal, folder, seconds, service, profile, say }: ProfileSignalParts): () => void {
  const name = `${service.replace(/[^\w.-]/g, '_')}-${process.pid}`
  let count = 0

  /** Under the next number that is free: in a container, the process before this one had the same id. Returns the path. */
  const write = async (text: string): Promise<string> => {
    for (;;) {
      count += 1
      const path = join(folder, `${name}-${count}.cpuprofile`)
      try {
        await writeFile(path, text, { flag: 'wx' })
        return path
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
        // Nothing half-written stays, where the disk is full.
        await rm(path, { force: true }).catch(() => {})
        throw error
      }
    }
  }

  const take = async (): Promise<void> => {
    try {
      const taken = await profile({ seconds })
      const path = await write(JSON.stringify(taken.profile))
      const [first] = taken.agents
      say(`telemetry: a CPU profile is in ${path}${first === undefined ? '' : `; most time went to ${first.agentId}`}`)
    } catch (error) {
      say(`telemetry: no CPU profile in ${folder}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const hear = (): void => void take()
  survive(signal)
  process.on(signal, hear)
  return () => void process.off(signal, hear)
}
