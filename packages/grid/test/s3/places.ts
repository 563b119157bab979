import { systemClock } from '@stigmergy/grid'
import { connectBucket, type ObjectBucket } from '@stigmergy/grid/s3'
import type { LeaseTable } from '@stigmergy/grid/store'
import { createOperations } from '../../src/store/operations.ts'
import { resolveS3Options, type S3Options } from '../../src/s3/options.ts'
import type { TagKind } from '../../src/s3/probe.ts'
import { createRegister, type Register } from '../../src/s3/register.ts'
import { createS3Leases } from '../../src/s3/s3-leases.ts'
import { createRowCodec } from '../../src/store/row.ts'
import type { Login } from './server.ts'

/** The parts below a store, as `openS3` puts them together. */
export function partsOf(options: S3Options, tags: TagKind = 'opaque'): { readonly register: Register; readonly leases: LeaseTable } {
  const resolved = resolveS3Options(options)
  const operations = createOperations({ ...resolved, place: resolved.bucket.place })
  const register = createRegister(resolved, tags, createRowCodec(), operations)
  return { register, leases: createS3Leases(resolved, register, operations) }
}

export async function openLeases(login: Login, prefix: string): Promise<LeaseTable> {
  return partsOf({ bucket: await connectBucket(login), prefix, clock: systemClock() }, 'md5').leases
}

/** A bucket whose answers are lost as `lose` says: before the call reached it, after it was done, or not at all. */
export function lossy(
  bucket: ObjectBucket,
  lose: (call: 'get' | 'put', key: string) => 'before' | 'after' | undefined,
  error: () => Error,
): ObjectBucket {
  const through = async <T>(call: 'get' | 'put', key: string, run: () => Promise<T>): Promise<T> => {
    const when = lose(call, key)
    if (when === 'before') throw error()
    const answer = await run()
    if (when === 'after') throw error()
    return answer
  }
  return {
    ...bucket,
    get: (key, options) => through('get', key, () => bucket.get(key, options)),
    put: (key, bytes, options) => through('put', key, () => bucket.put(key, bytes, options)),
  }
}
