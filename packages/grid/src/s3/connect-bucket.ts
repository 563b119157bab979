import { quote } from '../errors.ts'
import { StoreError } from '../store/errors.ts'
import { badOption, checkMs, checkNames } from '../store/rules.ts'
import type { LargeObjectBucket } from './bucket.ts'
import { s3miniBucket } from './s3mini-bucket.ts'

export interface ConnectBucketOptions {
  /** The server, without the bucket: `https://s3.eu-central-1.amazonaws.com`. The bucket becomes the first part of the path. */
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** @default 'us-east-1' */
  readonly region?: string
  /** When a request without an answer is given up. @default 10000 */
  readonly requestMs?: number
}

/**
 * A bucket behind the package `s3mini`, which must be installed. Nothing is sent yet.
 * Throws `StoreError` BAD_OPTION, or STORE_UNSUPPORTED where the package is missing.
 */
export async function connectBucket(options: ConnectBucketOptions): Promise<LargeObjectBucket> {
  checkNames('connectBucket', options, ['endpoint', 'bucket', 'accessKeyId', 'secretAccessKey', 'region', 'requestMs'])
  const { endpoint, bucket, accessKeyId, secretAccessKey, region = 'us-east-1' } = options
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw badOption('endpoint', endpoint, 'a URL such as https://s3.eu-central-1.amazonaws.com')
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw badOption('bucket', bucket, 'the name of a bucket')
  for (const [name, value] of Object.entries({ accessKeyId, secretAccessKey, region })) {
    // Never the value: it may be a secret.
    if (typeof value !== 'string' || value === '')
      throw new StoreError('BAD_OPTION', `${name} is ${value === '' ? quote('') : 'no string'}: give a non-empty string`)
  }
  const requestMs = checkMs('requestMs', options.requestMs ?? 10_000)
  const { S3mini } = await import('s3mini').catch((cause: unknown) => {
    throw new StoreError('STORE_UNSUPPORTED', 'connectBucket needs the package s3mini: install it, or pass another client', { cause })
  })
  const at = new URL(endpoint)
  at.pathname = `${at.pathname.replace(/\/$/, '')}/${bucket}`
  return s3miniBucket(new S3mini({ endpoint: at.href, accessKeyId, secretAccessKey, region, requestAbortTimeout: requestMs }))
}
