import { createAuthority, type Authority, type AuthorityOptions } from '../store/authority.ts'
import { StoreError } from '../store/errors.ts'
import type { Store } from '../store/store.ts'
import { createRowCodec, type RowCodec } from '../store/row.ts'
import { createOperations, type Operations } from '../store/operations.ts'
import { resolveS3Options, type ResolvedS3Options, type S3Options } from './options.ts'
import { probeConditions } from './probe.ts'
import { createRegister, type Register } from './register.ts'
import { createS3Leases } from './s3-leases.ts'
import { createS3Store } from './s3-store.ts'

/** Version of the layout under a prefix (I9). */
export const S3_SCHEMA_VERSION = 1

/** What must not be lost, under one prefix of a bucket. */
export interface S3Durable extends AsyncDisposable {
  readonly store: Store
  /** An authority over the leases of this prefix: as many as there are, on however many machines, they agree. It looks every 250 ms. */
  authority(options?: AuthorityOptions): Authority
  /** Refuses what comes from now on, and waits for what is under way. Authorities must be closed before. */
  close(): Promise<void>
}

/**
 * Opens a store and an authority in a bucket, for any number of processes on any number of machines. A dozen requests are sent: they
 * prove that the server keeps `If-Match` and `If-None-Match`.
 * Throws `StoreError` BAD_OPTION, STORE_ACCESS, STORE_UNREACHABLE, STORE_UNSUPPORTED, STORE_CLOCK, STORE_NEWER or STORE_BROKEN; what
 * is there is left untouched.
 */
export async function openS3(options: S3Options): Promise<S3Durable> {
  const resolved = resolveS3Options(options)
  const { register, operations } = await openRegister(resolved)
  const leases = createS3Leases(resolved, register, operations)
  const store = createS3Store(resolved, register, operations)
  return {
    store,
    authority: (authorityOptions) => createAuthority(leases, { clock: resolved.clock, pollMs: 250, ...authorityOptions }),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  }
}

/** What everything under a prefix stands on: its schema is known, and the server keeps conditions. */
export async function openRegister(
  resolved: ResolvedS3Options,
): Promise<{ readonly register: Register; readonly operations: Operations; readonly rows: RowCodec }> {
  const { bucket, prefix, ids } = resolved
  const operations = createOperations({ ...resolved, place: bucket.place })
  const rows = createRowCodec()
  const tags = await operations.run('opening the store', async (signal) => {
    await claimSchema(resolved, rows, operations, signal)
    // An object of its own for each try: a write that was lost may arrive late.
    return operations.retry(signal, () => probeConditions(bucket, `${prefix}probe/${ids()}`, signal))
  })
  return { register: createRegister(resolved, tags, rows, operations), operations, rows }
}

async function claimSchema(
  { bucket, prefix }: ResolvedS3Options,
  rows: RowCodec,
  operations: Operations,
  signal: AbortSignal,
): Promise<void> {
  const key = `${prefix}schema`
  const find = async (): Promise<unknown> => {
    const found = await operations.retry(signal, () => bucket.get(key, { signal }))
    return found && rows.read(found.bytes, `the schema version (${key} in ${bucket.place})`)[0]
  }
  let version = await find()
  if (version === undefined) {
    // Two may begin at once: the loser finds what the winner wrote.
    await operations.retry(signal, () => bucket.put(key, rows.pack([S3_SCHEMA_VERSION]), { ifAbsent: true, signal }))
    version = await find()
  }
  if (version === S3_SCHEMA_VERSION) return
  const text = `the store at ${bucket.place} has schema version ${String(version)}; this release knows ${S3_SCHEMA_VERSION}`
  throw new StoreError('STORE_NEWER', text)
}
