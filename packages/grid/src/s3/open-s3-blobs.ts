import type { Blobs } from '../blobs/blobs.ts'
import { createBlobs } from '../blobs/create-blobs.ts'
import { badOption } from '../store/rules.ts'
import type { LargeObjectBucket } from './bucket.ts'
import { openRegister } from './open-s3.ts'
import { resolveS3Options, type S3Options } from './options.ts'
import { createS3Bytes } from './s3-bytes.ts'
import { createS3Tags } from './s3-tags.ts'

export interface S3BlobsOptions extends S3Options {
  readonly bucket: LargeObjectBucket
}

/**
 * Opens blobs in a bucket, for any number of processes on any number of machines; a store of {@link openS3} may share the prefix.
 * Each blob is one object, `blobs/` and its id, at most 5 GB; one put while it is being removed has a dot and a suffix as well. Each request has `timeoutMs`; let it be long enough for the server to
 * join and copy the largest blob. Throws as {@link openS3}.
 */
export async function openS3Blobs(options: S3BlobsOptions): Promise<Blobs> {
  const resolved = resolveS3Options(options)
  const { bucket } = options
  if (typeof bucket.startUpload !== 'function')
    throw badOption('bucket', bucket.place, 'one that takes large objects, as connectBucket makes it')
  const { register, operations } = await openRegister(resolved)
  const blobs = createBlobs(createS3Bytes(resolved, bucket, register, operations), createS3Tags(resolved, register, operations))
  const close = async (): Promise<void> => {
    await blobs.close()
    await operations.close()
  }
  return { ...blobs, close, [Symbol.asyncDispose]: close }
}
