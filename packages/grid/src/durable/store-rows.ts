import type { Head } from '../store/rules.ts'
import type { StoreRecord } from '../store/store.ts'

/**
 * The head of an id: `[rev, token, owner, outboxSeq, oldest, outboxFrom]`. `oldest` and `outboxFrom` say what is kept besides,
 * without a search. `rev` is 0 after a delete.
 */
export interface HeadRow extends Head {
  readonly oldest: number
  readonly outboxFrom: number
  /** The present value, where the head was written by format 1. The next commit moves it to the revisions. */
  readonly value: Uint8Array | undefined
}

export function packHead({ rev, fence, outboxSeq, oldest, outboxFrom, value }: HeadRow): readonly unknown[] {
  const fields = [rev, fence.token, fence.owner, outboxSeq, oldest, outboxFrom]
  return value === undefined ? fields : [...fields, value]
}

export function toHead(fields: readonly unknown[]): HeadRow {
  const [rev, token, owner, outboxSeq, oldest, outboxFrom, value] = fields as [number, number, string, number, number, number, unknown]
  return { rev, fence: { owner, token }, outboxSeq, oldest, outboxFrom, value: value ? toBytes(value) : undefined }
}

/** A revision: `[rev, token, owner, value]`. */
export function toRecord(fields: readonly unknown[]): StoreRecord {
  const [rev, token, owner, value] = fields as [number, number, string, unknown]
  return { rev, fence: { owner, token }, value: toBytes(value) }
}

/** A copy: what lmdb hands out, and what is unpacked from it, may share memory that is used again. */
export function toBytes(value: unknown): Uint8Array {
  return new Uint8Array(value as Uint8Array)
}

/** `id NUL number`: no id holds NUL, so one id's keys stand together and in order. */
export function numbered(id: Buffer, at: number): Buffer {
  const key = Buffer.allocUnsafe(id.length + 9)
  id.copy(key)
  key[id.length] = 0
  key.writeUInt32BE(Math.floor(at / 2 ** 32), id.length + 1)
  key.writeUInt32BE(at >>> 0, id.length + 5)
  return key
}
