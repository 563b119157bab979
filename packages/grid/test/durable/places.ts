import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new directory, removed by `done`. */
export async function newPlace(): Promise<{ readonly path: string; done(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-durable-'))
  return { path, done: () => rm(path, { recursive: true, force: true }) }
}
