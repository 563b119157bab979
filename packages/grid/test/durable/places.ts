import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Place {
  readonly path: string
  done(): Promise<void>
}

/** A new directory, removed by `done`. */
export async function newPlace(under = tmpdir()): Promise<Place> {
  const path = await mkdtemp(join(under, 'stigmergy-durable-'))
  return { path, done: () => rm(path, { recursive: true, force: true }) }
}

/** The same in memory where there is such a place: for tests of behaviour, that would wait for a disk at each closing. */
export function quickPlace(): Promise<Place> {
  return newPlace(existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
}

/** Uses a place of its own, and takes it away. */
export async function inPlace(use: (path: string) => Promise<void>): Promise<void> {
  const place = await newPlace()
  try {
    await use(place.path)
  } finally {
    await place.done()
  }
}
