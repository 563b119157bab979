import type { LargeObjectBucket, StoredObject } from './bucket.ts'
import { calling, isAbsent, isGone, isRefused, type ObjectFailure } from './object-error.ts'

interface CallOptions {
  readonly abortSignal?: AbortSignal
}

interface Address {
  readonly Bucket: string
  readonly Key: string
}

interface UploadAddress extends Address {
  readonly UploadId: string
}

/** What is used of `S3`, the client with methods of the package `@aws-sdk/client-s3`. */
export interface AwsS3Client {
  getObject(
    input: Address & { readonly Range?: string },
    options?: CallOptions,
  ): Promise<{ readonly ETag?: string | undefined; readonly Body?: { transformToByteArray(): Promise<Uint8Array> } | undefined }>
  putObject(
    input: Address & { readonly Body: Uint8Array; readonly IfMatch?: string; readonly IfNoneMatch?: string },
    options?: CallOptions,
  ): Promise<{ readonly ETag?: string | undefined }>
  deleteObject(input: Address, options?: CallOptions): Promise<unknown>
  listObjectsV2(
    input: { readonly Bucket: string; readonly Prefix: string; readonly StartAfter?: string; readonly MaxKeys: number },
    options?: CallOptions,
  ): Promise<{
    readonly Contents?:
      | readonly { readonly Key?: string | undefined; readonly Size?: number | undefined; readonly LastModified?: Date | undefined }[]
      | undefined
    readonly IsTruncated?: boolean | undefined
  }>
  createMultipartUpload(input: Address, options?: CallOptions): Promise<{ readonly UploadId?: string | undefined }>
  uploadPart(
    input: UploadAddress & { readonly PartNumber: number; readonly Body: Uint8Array },
    options?: CallOptions,
  ): Promise<{ readonly ETag?: string | undefined }>
  completeMultipartUpload(
    input: UploadAddress & { readonly MultipartUpload: { readonly Parts: { readonly PartNumber: number; readonly ETag: string }[] } },
    options?: CallOptions,
  ): Promise<unknown>
  abortMultipartUpload(input: UploadAddress, options?: CallOptions): Promise<unknown>
  copyObject(input: Address & { readonly CopySource: string }, options?: CallOptions): Promise<unknown>
}

/** A bucket behind `new S3(...)` of `@aws-sdk/client-s3`. Its own retries go on beside ours; `maxAttempts: 1` leaves one of the two. */
export function awsBucket(client: AwsS3Client, bucket: string): LargeObjectBucket {
  const caller = { place: `bucket ${bucket}`, failureOf }
  return {
    place: caller.place,
    get(key, { range, signal } = {}) {
      const part = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }
      const get = async (): Promise<StoredObject> => {
        const { ETag = '', Body } = await client.getObject({ Bucket: bucket, Key: key, ...part }, until(signal))
        return { etag: ETag, bytes: (await Body?.transformToByteArray()) ?? new Uint8Array() }
      }
      return calling(caller, signal, get, isAbsent)
    },
    put(key, bytes, { ifMatch, ifAbsent, signal } = {}) {
      const condition = { ...(ifMatch && { IfMatch: ifMatch }), ...(ifAbsent && { IfNoneMatch: '*' }) }
      const put = async (): Promise<string> =>
        (await client.putObject({ Bucket: bucket, Key: key, Body: bytes, ...condition }, until(signal))).ETag ?? ''
      return calling(caller, signal, put, Object.keys(condition).length === 0 ? undefined : isRefused)
    },
    async delete(key, { signal } = {}) {
      await calling(caller, signal, () => client.deleteObject({ Bucket: bucket, Key: key }, until(signal)), isAbsent)
    },
    async list({ prefix, after, limit = 1000, signal }) {
      const input = { Bucket: bucket, Prefix: prefix, MaxKeys: limit, ...(after !== undefined && { StartAfter: after }) }
      const page = await calling(caller, signal, () => client.listObjectsV2(input, until(signal)))
      const objects = (page?.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
        key: Key,
        size: Size,
        modifiedMs: LastModified?.getTime() ?? 0,
      }))
      return { objects, more: page?.IsTruncated === true }
    },
    async startUpload(key, { signal } = {}) {
      const at = { Bucket: bucket, Key: key }
      const { UploadId = '' } = (await calling(caller, signal, () => client.createMultipartUpload(at, until(signal)))) ?? {}
      const upload = { ...at, UploadId }
      const parts = new Map<number, string>()
      return {
        async part(number, bytes, options = {}) {
          const send = (): Promise<{ readonly ETag?: string | undefined }> =>
            client.uploadPart({ ...upload, PartNumber: number, Body: bytes }, until(options.signal))
          parts.set(number, (await calling(caller, options.signal, send))?.ETag ?? '')
        },
        async complete(options = {}) {
          const Parts = Array.from(parts, ([PartNumber, ETag]) => ({ PartNumber, ETag })).toSorted((a, b) => a.PartNumber - b.PartNumber)
          await calling(caller, options.signal, () =>
            client.completeMultipartUpload({ ...upload, MultipartUpload: { Parts } }, until(options.signal)),
          )
        },
        async abort(options = {}) {
          await calling(caller, options.signal, () => client.abortMultipartUpload(upload, until(options.signal)), isGone)
        },
      }
    },
    async copy(from, to, { signal } = {}) {
      const input = { Bucket: bucket, Key: to, CopySource: `${bucket}/${from}` }
      await calling(caller, signal, () => client.copyObject(input, until(signal)))
    },
  }
}

function until(signal: AbortSignal | undefined): CallOptions {
  return signal === undefined ? {} : { abortSignal: signal }
}

function failureOf(error: unknown): ObjectFailure {
  const { name, code, message, $metadata } = error as Record<string, unknown> & {
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  const told = $metadata?.httpStatusCode === undefined ? (code ?? name) : name
  return {
    status: $metadata?.httpStatusCode,
    code: typeof told === 'string' ? told : undefined,
    message: String(message).slice(0, 300),
  }
}
