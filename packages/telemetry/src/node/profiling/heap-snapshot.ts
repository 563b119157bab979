import { open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { getHeapSnapshot } from 'node:v8'

export interface HeapSnapshot {
  readonly path: string
  /** Agents that were alive, by type. */
  readonly agents: Readonly<Record<string, number>>
}

/**
 * Writes what is on the heap as `.heapsnapshot`, for Chrome's memory panel. The process stands still while V8 looks: about a second per
 * 100 MB, and as much memory again. Rejects with the error of the file system; nothing is left there then.
 */
export async function writeHeapSnapshot(path: string, agents: () => Readonly<Record<string, number>>): Promise<HeapSnapshot> {
  const alive = agents()
  // `wx`: a file that is there is somebody's.
  // Opened before V8 looks: who cannot write need not stand still for it.
  const file = await open(path, 'wx')
  try {
    await pipeline(getHeapSnapshot(), file.createWriteStream())
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  return { path, agents: alive }
}
