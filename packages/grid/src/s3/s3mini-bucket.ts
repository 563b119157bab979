import type { LargeObjectBucket } from './bucket.ts'
import { calling, isAbsent, isGone, isRefused, objectError, type ObjectFailure } from './object-error.ts'
import { untilAborted } from '../time/until-aborted.ts'

interface UploadedPart {
  readonly partNumber: number
  readonly etag: string
}

const TYPE = 'application/octet-stream'

/** What is used of a client of the package `s3mini`. */
export interface S3miniClient {
  readonly endpoint: URL
  getObjectRaw(key: string, wholeFile?: boolean, rangeFrom?: number, rangeTo?: number): Promise<Response>
  putObject(
    key: string,
    data: Uint8Array,
    fileType?: string,
    ssecHeaders?: undefined,
    additionalHeaders?: { readonly [name: `x-amz-${string}`]: string },
  ): Promise<Response>
  deleteObject(key: string): Promise<boolean>
  listObjects(
    delimiter?: string,
    prefix?: string,
    maxKeys?: number,
    options?: Record<string, unknown>,
  ): Promise<readonly { readonly Key: string; readonly Size: number; readonly LastModified: Date | string }[] | null>
  getMultipartUploadId(key: string, fileType?: string): Promise<string>
  uploadPart(key: string, uploadId: string, data: Uint8Array, partNumber: number): Promise<UploadedPart>
  completeMultipartUpload(key: string, uploadId: string, parts: UploadedPart[]): Promise<unknown>
  abortMultipartUpload(key: string, uploadId: string): Promise<unknown>
  copyObject(sourceKey: string, destinationKey: string): Promise<unknown>
}

/**
 * A bucket behind a client of `s3mini`, which has the bucket in its endpoint. The client knows no signal of a call: what is aborted
 * here goes on there until its `requestAbortTimeout`.
 */
export function s3miniBucket(client: S3miniClient): LargeObjectBucket {
  const caller = { place: client.endpoint.href, failureOf }
  return {
    place: caller.place,
    get: (key, { range, signal } = {}) =>
      calling(
        caller,
        signal,
        async () => {
          const response = await untilAborted(client.getObjectRaw(key, range === undefined, range?.start, range?.end), signal)
          return { etag: tagOf(response), bytes: new Uint8Array(await untilAborted(response.arrayBuffer(), signal)) }
        },
        isAbsent,
      ),
    put(key, bytes, { ifMatch, ifAbsent, signal } = {}) {
      const headers = { ...(ifMatch && { 'if-match': ifMatch }), ...(ifAbsent && { 'if-none-match': '*' }) }
      const put = async (): Promise<string> => tagOf(await untilAborted(client.putObject(key, bytes, TYPE, undefined, headers), signal))
      return calling(caller, signal, put, Object.keys(headers).length === 0 ? undefined : isRefused)
    },
    async delete(key, { signal } = {}) {
      await calling(caller, signal, () => untilAborted(client.deleteObject(key), signal), isAbsent)
    },
    async list({ prefix, after, limit = 1000, signal }) {
      const options = after === undefined ? {} : { 'start-after': after }
      const found = await calling(caller, signal, () => untilAborted(client.listObjects('/', prefix, limit, options), signal))
      // The client answers a missing bucket, and with some servers a wrong account, with null.
      if (!found) throw objectError({ status: 404, code: 'NoSuchBucket', message: '' }, caller.place, undefined)
      return {
        objects: found.map(({ Key, Size, LastModified }) => ({ key: Key, size: Size, modifiedMs: new Date(LastModified).getTime() })),
        more: found.length >= limit,
      }
    },
    async startUpload(key, { signal } = {}) {
      const id = (await calling(caller, signal, () => untilAborted(client.getMultipartUploadId(key, TYPE), signal))) ?? ''
      const parts = new Map<number, UploadedPart>()
      return {
        async part(number, bytes, options = {}) {
          const part = await calling(caller, options.signal, () => untilAborted(client.uploadPart(key, id, bytes, number), options.signal))
          if (part !== undefined) parts.set(number, part)
        },
        async complete(options = {}) {
          const sorted = [...parts.values()].toSorted((a, b) => a.partNumber - b.partNumber)
          await calling(caller, options.signal, () => untilAborted(client.completeMultipartUpload(key, id, sorted), options.signal))
        },
        async abort(options = {}) {
          await calling(caller, options.signal, () => untilAborted(client.abortMultipartUpload(key, id), options.signal), isGone)
        },
      }
    },
    async copy(from, to, { signal } = {}) {
      await calling(caller, signal, () => untilAborted(client.copyObject(from, to), signal))
    },
  }
}

function tagOf(response: Response): string {
  return response.headers.get('etag') ?? ''
}

function failureOf(error: unknown): ObjectFailure {
  const { status, code, serviceCode, message } = error as Record<string, unknown>
  // The list call tells its status and code in the text only.
  const [, listStatus, listCode] = /failed with status (\d+): (\w+)/.exec(String(message)) ?? []
  const told = serviceCode ?? listCode ?? code
  return {
    status: typeof status === 'number' ? status : listStatus === undefined ? undefined : Number(listStatus),
    code: typeof told === 'string' ? told : undefined,
    message: String(message).slice(0, 300),
  }
}
