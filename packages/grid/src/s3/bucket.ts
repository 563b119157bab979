/** An object and its tag, which is another one after every write. */
export interface StoredObject {
  readonly etag: string
  readonly bytes: Uint8Array
}

export interface ObjectCallOptions {
  /** Aborts the call. Whether a write happened is then unknown. */
  readonly signal?: AbortSignal
}

export interface ObjectGetOptions extends ObjectCallOptions {
  /** Only these bytes: from `start` up to and without `end`. */
  readonly range?: { readonly start: number; readonly end: number }
}

export interface ObjectPutOptions extends ObjectCallOptions {
  /** Only over the object with this tag (`If-Match`). */
  readonly ifMatch?: string
  /** Only if there is none (`If-None-Match: *`). */
  readonly ifAbsent?: boolean
}

export interface ObjectListOptions extends ObjectCallOptions {
  readonly prefix: string
  /** Starts after this key. */
  readonly after?: string
  /** At most so many, up to 1,000. @default 1000 */
  readonly limit?: number
}

export interface ListedObject {
  readonly key: string
  readonly size: number
  /** When it was last written, by the server's wall clock: milliseconds since 1970. */
  readonly modifiedMs: number
}

export interface ObjectPage {
  /** In order of their keys' bytes. */
  readonly objects: readonly ListedObject[]
  /** There may be more after the last one. */
  readonly more: boolean
}

/**
 * One bucket of an S3-compatible object store: the little that is used of it. `s3miniBucket` and `awsBucket` make one of a client.
 * Errors are `StoreError`: STORE_ACCESS for credentials and a missing bucket, STORE_UNREACHABLE for what may pass by itself,
 * STORE_CLOCK, STORE_FULL, STORE_UNSUPPORTED, STORE_FAILED.
 */
export interface ObjectBucket {
  /** Where it is, for messages. */
  readonly place: string
  /** The object, or undefined if there is none. */
  get(key: string, options?: ObjectGetOptions): Promise<StoredObject | undefined>
  /** Writes all of it or nothing, and returns its tag; undefined if the condition does not hold. */
  put(key: string, bytes: Uint8Array, options?: ObjectPutOptions): Promise<string | undefined>
  /** Does nothing if there is none. */
  delete(key: string, options?: ObjectCallOptions): Promise<void>
  list(options: ObjectListOptions): Promise<ObjectPage>
}

/** A large object on its way, part by part; nobody sees it before `complete`. */
export interface ObjectUpload {
  /** `number` from 1 on. Each but the last has the same size, of at least 5 MB. Sending one again replaces it. */
  part(number: number, bytes: Uint8Array, options?: ObjectCallOptions): Promise<void>
  complete(options?: ObjectCallOptions): Promise<void>
  abort(options?: ObjectCallOptions): Promise<void>
}

/** A bucket that can hold blobs. */
export interface LargeObjectBucket extends ObjectBucket {
  startUpload(key: string, options?: ObjectCallOptions): Promise<ObjectUpload>
  /** Within the bucket and by the server; at most 5 GB. */
  copy(from: string, to: string, options?: ObjectCallOptions): Promise<void>
}
