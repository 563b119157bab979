import type { IMap } from 'hazelcast-client'
import type { CommitResult, DriverWrite } from '../driver.ts'
import { WIRE_HEAD } from './wire.ts'

export type Committed = Extract<CommitResult, { readonly ok: true }>

/** One try to make a write. A further one has a version of its own. */
export interface Attempt {
  readonly version: number
  readonly atMs: number
  /** What is to be stored, behind `WIRE_HEAD` bytes. */
  readonly packed: Buffer
}

/** As it is stored. */
export function storedOf({ packed }: Pick<Attempt, 'packed'>): Buffer {
  return packed.subarray(WIRE_HEAD)
}

/** Puts `stored` in the place of exactly `raw`. False: there is something else by now. */
export async function replace(imap: IMap<string, Buffer>, write: DriverWrite, raw: Buffer | null, stored: Buffer): Promise<boolean> {
  if (raw !== null) return imap.replaceIfSame(write.key, raw, stored)
  return (await imap.putIfAbsent(write.key, stored, serverTtlMs(write.ttlMs))) === null
}

/** What became of it, if another attempt was not the one that is in the copy. */
export function standing(
  frame: { readonly version: number; readonly stampMs: number } | undefined,
  { version, atMs }: Pick<Attempt, 'version' | 'atMs'>,
): Committed {
  return toCommitted(frame?.version ?? version, frame?.stampMs ?? atMs)
}

export function toCommitted(version: number, atMs: number): Committed {
  return { ok: true, version, atMs }
}

/**
 * When the member may forget the entry. It counts in whole seconds and ends too early, so it gets some more: when an entry is
 * over is decided by the envelope alone.
 */
export function serverTtlMs(ttlMs: number | undefined): number {
  return ttlMs === undefined ? 0 : Math.ceil(ttlMs / 1000) * 1000 + 10_000
}
