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
