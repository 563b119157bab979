import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** Root of the repository. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url))

/** Runs with a new folder that is gone afterwards. */
export async function inFolder<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'stigmergy-'))
  try {
    return await run(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export const POSITION_HEADER = 'session,t_ms,x_m,y_m,z_m,status'
export const EVENT_HEADER = 'session,t_ms,source,tag,value,status'

export const GOOD_POSITIONS: readonly string[] = [
  POSITION_HEADER,
  'a,1000,0.1,0.2,0.3,0',
  'a,1250,0.1,0.2,0.3,0x002f0000',
  'b,5000,0,0,0,0',
]
export const GOOD_EVENTS: readonly string[] = [
  EVENT_HEADER,
  'a,70,Gate,GateState,closed,0',
  'a,90,Gate,GateState,open,0',
  'a,80,Quality Control,DistanceAbs,1.25,0',
  'b,60,Gate,GateState,open,0',
]

/** Writes the two files of a recording from their lines; bytes are written as they are, null leaves the file out. */
export async function writeLines(
  dir: string,
  positions: readonly string[] | Uint8Array | null = GOOD_POSITIONS,
  events: readonly string[] | Uint8Array | null = GOOD_EVENTS,
): Promise<void> {
  for (const [name, content] of [['robot_position.csv.gz', positions] as const, ['cell_events.csv.gz', events] as const]) {
    if (content === null) continue
    await writeFile(join(dir, name), content instanceof Uint8Array ? content : gzipSync(`${content.join('\n')}\n`))
  }
}
