// lmdb as the grid itself has it, and what all rows of this bench have in common.
import { createRequire } from 'node:module'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RawTable {
  put(key: Buffer, value: Buffer, version?: number): Promise<boolean>
  remove(key: Buffer): Promise<boolean>
  get(key: Buffer): Buffer | undefined
  getEntry(key: Buffer): { readonly value: Buffer; readonly version: number } | undefined
  ifVersion(key: Buffer, version: number, action: () => void): Promise<boolean>
  ifNoExists(key: Buffer, action: () => void): Promise<boolean>
}

export interface RawRoot extends RawTable {
  openDB(name: string, options: object): RawTable
  resetReadTxn(): void
  readonly committed: PromiseLike<unknown>
  readonly flushed: PromiseLike<unknown>
  close(): Promise<void>
}

const lmdb = createRequire(import.meta.resolve('@stigmergy/grid'))('lmdb') as { open(options: object): RawRoot }

export const binary = { encoding: 'binary', keyEncoding: 'binary', cache: false }
export const fence = { owner: 'bench', token: 1 }
export const VALUE_BYTES = 200

export type Level = 'process' | 'host'

/** As lmdb is by default: it flushes after a commit was seen, which is quicker, and not safe where several processes write. */
export function openRawRoot(path: string): RawRoot {
  return lmdb.open({ path, noSubdir: false, ...binary, maxDbs: 4, eventTurnBatching: false })
}

/** Resolves when what was put is at the level. */
export async function reached(root: RawRoot, level: Level): Promise<void> {
  await (level === 'host' ? root.flushed : root.committed)
}

export const value = (turn: number): Buffer => Buffer.alloc(VALUE_BYTES, turn)

/** `id NUL number`, as the store has it. */
export function numbered(id: Buffer, at: number): Buffer {
  const key = Buffer.allocUnsafe(id.length + 9)
  id.copy(key)
  key[id.length] = 0
  key.writeBigUInt64BE(BigInt(at), id.length + 1)
  return key
}

/** Two new directories, removed afterwards. */
export async function inPlaces<T>(use: (ours: string, theirs: string) => Promise<T>): Promise<T> {
  const places = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), 'stigmergy-bench-'))))
  try {
    return await use(places[0] as string, places[1] as string)
  } finally {
    await Promise.all(places.map((path) => rm(path, { recursive: true, force: true })))
  }
}

/** Microseconds each of `count` took. */
export async function timed(count: number, work: () => Promise<boolean>): Promise<{ readonly cost: number; readonly verified: boolean }> {
  const began = performance.now()
  const verified = await work()
  return { cost: ((performance.now() - began) * 1000) / count, verified }
}
