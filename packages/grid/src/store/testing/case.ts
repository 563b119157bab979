import { rejects } from 'node:assert/strict'
import { isStoreError, type StoreErrorCode } from '../errors.ts'
import type { Fence, Store } from '../store.ts'

/** One empty place to store in, fresh for each case. */
export interface StoreBench {
  /** Opens it, with three revisions kept; called twice, two stores share the place, as two processes do. The runner closes them. */
  open(): Promise<Store>
}

/** A behaviour every store must show. It throws an AssertionError where it does not. */
export interface StoreCase {
  readonly name: string
  run(bench: StoreBench): Promise<void>
}

export const ours: Fence = { owner: 'a', token: 1 }
export const theirs: Fence = { owner: 'b', token: 2 }
export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

export async function refused(promise: Promise<unknown>, code: StoreErrorCode, text = ''): Promise<void> {
  await rejects(promise, (error) => isStoreError(error, code) && error.message.includes(text))
}

export async function idsOf(store: Store, options?: Parameters<Store['scan']>[0]): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of store.scan(options)) ids.push(id)
  return ids
}
