import { quote, unknownOption } from '../errors.ts'
import { StoreError } from './errors.ts'
import type { Fence, ScanOptions, StoreCommit } from './store.ts'

/** What a store knows of an id besides its value; also after a delete, when `rev` is 0: an older writer must stay out (I1). */
export interface Head {
  readonly rev: number
  readonly fence: Fence
  /** The last number given to an item of the outbox. */
  readonly outboxSeq: number
}

/** Why this fence may not write, or undefined. The one place that decides it (I1). */
export function fenced(id: string, head: Head | undefined, fence: Fence): StoreError | undefined {
  const seen = head?.fence
  if (seen === undefined || fence.token > seen.token || (fence.token === seen.token && fence.owner === seen.owner)) return undefined
  const holder = `${quote(seen.owner)} holds it with token ${seen.token}`
  return new StoreError('STORE_FENCED', `${quote(fence.owner)} may not write ${quote(id)} with token ${fence.token}: ${holder}`)
}

/** Why this commit is refused, or undefined. */
export function refusal(head: Head | undefined, { id, expectedRev, fence }: StoreCommit): StoreError | undefined {
  const rev = head?.rev ?? 0
  const stale = fenced(id, head, fence)
  if (stale !== undefined || rev === expectedRev) return stale
  return new StoreError('STORE_CONFLICT', `${quote(id)} is at revision ${rev}, not at ${expectedRev}`)
}

// Every store keeps keys of this length: S3 allows 1,024 bytes, a file name 255 per component, lmdb 1,978.
const LONGEST_ID_BYTES = 400

export function checkId(id: string, what = 'id'): string {
  const sound = typeof id === 'string' && id !== '' && !id.includes('\0') && Buffer.byteLength(id) <= LONGEST_ID_BYTES
  if (sound && (id as string & { isWellFormed(): boolean }).isWellFormed()) return id
  throw new StoreError(
    'BAD_ID',
    `${what} is ${quote(id)}: give a non-empty string without NUL, of at most ${LONGEST_ID_BYTES} bytes in UTF-8`,
  )
}

export function checkFence(fence: Fence): Fence {
  if (typeof fence !== 'object' || fence === null) throw badOption('fence', fence, 'an owner and a token, as a lease has them')
  const { owner, token } = fence
  if (typeof owner !== 'string' || owner === '') throw badOption('fence.owner', owner, 'a non-empty string')
  if (!Number.isSafeInteger(token) || token < 0) throw badOption('fence.token', token, 'a whole number from 0 on')
  return { owner, token }
}

/** True if it is the fence that was seen, which was checked then. */
export function sameFence(seen: Fence, given: Fence | null | undefined): boolean {
  return seen.token === given?.token && seen.owner === given.owner
}

const NONE: readonly Uint8Array[] = []

/** All of a commit but its id and its fence. */
export function checkParts({ expectedRev, value, outbox = NONE }: StoreCommit): void {
  if (!Number.isSafeInteger(expectedRev) || expectedRev < 0) throw badOption('expectedRev', expectedRev, 'a revision, or 0 for none')
  if (!(value instanceof Uint8Array)) throw badOption('value', value, 'a Uint8Array')
  for (const bytes of outbox) if (!(bytes instanceof Uint8Array)) throw badOption('value', bytes, 'a Uint8Array')
}

/** The commit, checked, over the caller's own bytes: to be packed in this very call. */
export function checkedCommit(commit: StoreCommit): StoreCommit {
  checkParts(commit)
  const { id, expectedRev, fence, value, outbox = NONE } = commit
  return { id: checkId(id), expectedRev, fence: checkFence(fence), value, outbox }
}

/** A copy of the bytes, from Node's pool: an array buffer of its own for each small value would cost more than the rest of a commit. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(bytes)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** A checked commit with copies of its bytes: the caller may reuse its buffers at once. */
export function checkCommit(given: StoreCommit, copy: (bytes: Uint8Array) => Uint8Array = copyOf): StoreCommit {
  const { id, expectedRev, fence, value, outbox = NONE } = checkedCommit(given)
  return { id, expectedRev, fence, value: copy(value), outbox: outbox.length === 0 ? NONE : outbox.map(copy) }
}

export interface ResolvedScan {
  readonly prefix: string
  readonly after: string | undefined
  readonly limit: number
}

export function resolveScan(options: ScanOptions = {}): ResolvedScan {
  checkNames('scan', options, ['prefix', 'after', 'limit'])
  const { prefix = '', after, limit = Infinity } = options
  if (typeof prefix !== 'string') throw badOption('prefix', prefix, 'a string')
  if (limit !== Infinity && (!Number.isSafeInteger(limit) || limit < 0)) throw badOption('limit', limit, 'a whole number from 0 on')
  return { prefix, after: after === undefined ? undefined : checkId(after, 'after'), limit }
}

export function checkCount(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw badOption(name, value, `a whole number from ${least} on`)
}

export function checkMs(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw badOption(name, value, 'a number of milliseconds above 0')
}

export function badOption(name: string, value: unknown, wanted: string): StoreError {
  return new StoreError('BAD_OPTION', `${name} is ${quote(value)}: give ${wanted}`)
}

/** Throws `StoreError` BAD_OPTION for an unknown one. */
export function checkNames(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw badOption(`options of ${of}`, options, 'an object')
  const unknown = unknownOption(of, options, known)
  if (unknown !== undefined) throw new StoreError('BAD_OPTION', unknown)
}
