import { equal, rejects } from 'node:assert/strict'
import { isStoreError, type StoreErrorCode } from '../../store/errors.ts'
import type { Blobs } from '../blobs.ts'

/** One empty place for blobs, fresh for each case. */
export interface BlobBench {
  /** Opens it; called twice, two share the place, as two processes do. The runner closes them. */
  open(): Promise<Blobs>
}

/** A behaviour all blobs must show. It throws an AssertionError where it does not. */
export interface BlobCase {
  readonly name: string
  run(bench: BlobBench): Promise<void>
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export async function refused(promise: Promise<unknown>, code: StoreErrorCode, text = ''): Promise<void> {
  await rejects(promise, (error) => {
    if (!isStoreError(error, code)) throw error
    equal(error.message.includes(text), true, error.message)
    return true
  })
}

export async function gather(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

export async function ids(blobs: Blobs): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { id } of blobs.list()) found.push(id)
  return found.toSorted()
}
