import type { Blobs, BlobTag } from '../blobs/blobs.ts'
import { createBlobs } from '../blobs/create-blobs.ts'
import type { LeaseRow } from '../store/authority.ts'
import { StoreError } from '../store/errors.ts'
import { createOperations } from '../store/operations.ts'
import { createRowCodec } from '../store/row.ts'
import { toldOr, type TellBroken } from '../store/tell-broken.ts'
import type { Store } from '../store/store.ts'
import { idOf } from './keys.ts'
import { listAll } from './list-all.ts'
import type { S3BlobsOptions } from './open-s3-blobs.ts'
import { S3_SCHEMA_VERSION } from './open-s3.ts'
import { resolveS3Options } from './options.ts'
import { createRegister } from './register.ts'
import { createS3Bytes } from './s3-bytes.ts'
import { createS3Leases } from './s3-leases.ts'
import { createS3Store } from './s3-store.ts'
import { createS3Tags } from './s3-tags.ts'

/** A prefix of `openS3` and `openS3Blobs`, opened only to look: nothing is written there, not even to try the server. */
export interface S3Reader extends AsyncDisposable {
  readonly schemaVersion: number
  readonly store: Pick<Store, 'get' | 'outbox' | 'revisions' | 'scan'>
  readonly blobs: Pick<Blobs, 'list' | 'read' | 'readAll' | 'resolve' | 'stat' | 'tags'>
  /** Ids of the records, also of one that cannot be read. */
  ids(): AsyncIterable<string>
  /** What cannot be read is told to `broken` and left out; without it that is an error. So it is with tags. */
  leases(broken?: TellBroken): AsyncIterable<LeaseRow & { readonly name: string }>
  tags(broken?: TellBroken): AsyncIterable<BlobTag>
  close(): Promise<void>
}

/** Throws `StoreError` BAD_OPTION, STORE_ACCESS, STORE_UNREACHABLE, STORE_CLOCK, STORE_NEWER or STORE_BROKEN. */
export async function openS3Reader(options: S3BlobsOptions): Promise<S3Reader> {
  const resolved = resolveS3Options(options)
  const { bucket, prefix } = resolved
  const operations = createOperations({ ...resolved, place: bucket.place })
  const rows = createRowCodec()
  const schema = await operations.run('opening the store', (signal) =>
    operations.retry(signal, () => bucket.get(`${prefix}schema`, { signal })),
  )
  if (schema === undefined) throw new StoreError('STORE_ACCESS', `there is no store at ${bucket.place} under ${JSON.stringify(prefix)}`)
  const schemaVersion = Number(rows.read(schema.bytes, `the schema version (${prefix}schema in ${bucket.place})`)[0])
  if (schemaVersion !== S3_SCHEMA_VERSION) {
    const text = `the store at ${bucket.place} has schema version ${schemaVersion}; this release knows ${S3_SCHEMA_VERSION}`
    throw new StoreError('STORE_NEWER', text)
  }
  const register = createRegister(resolved, 'opaque', rows, operations)
  const tags = createS3Tags(resolved, register, operations)
  const leases = createS3Leases(resolved, register, operations)

  async function* idsIn(folder: string): AsyncGenerator<string> {
    for await (const page of listAll(bucket, operations, folder)) {
      for (const { key } of page) {
        const id = idOf(folder, key)
        if (id !== undefined) yield id
      }
    }
  }

  return {
    schemaVersion,
    store: createS3Store(resolved, register, operations),
    blobs: createBlobs(createS3Bytes(resolved, options.bucket, register, operations), tags),
    ids: () => idsIn(`${prefix}state/`),
    tags: (broken) => tags.list(undefined, broken),
    async *leases(broken) {
      for await (const name of idsIn(`${prefix}leases/`)) {
        const row = await leases.read(name).then(
          (found) => found.row,
          (error: unknown) => toldOr(broken, `lease ${name}`, error),
        )
        if (row !== undefined) yield { name, ...row }
      }
    },
    close: () => operations.close(),
    [Symbol.asyncDispose]: () => operations.close(),
  }
}
