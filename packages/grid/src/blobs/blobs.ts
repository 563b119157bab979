import type { AckLevel } from '../store/store.ts'

/** Bytes at once or in chunks: an array, a Node stream, a web stream, a generator. A chunk must not be changed once it is given. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface BlobInfo {
  /** SHA-256 of the bytes, in lower-case hex (FIPS 180-4). */
  readonly id: string
  /** In bytes. */
  readonly size: number
}

/** A name and a semantic version for a blob (https://semver.org). */
export interface BlobTag {
  readonly name: string
  readonly version: string
  readonly id: string
}

export interface BlobOptions {
  /** Ends it; the call rejects with its reason. What was half put is gone. */
  readonly signal?: AbortSignal
}

export interface TagOptions {
  /** The id the tag must have now, to move it. Without it there must be no such tag, or one of the same id. */
  readonly from?: string
}

export interface CollectOptions {
  /** What was put less than this long ago stays: it may not have its tag yet. @default 3600000, an hour */
  readonly graceMs?: number
  readonly signal?: AbortSignal
}

export interface Collected {
  readonly removed: number
  /** Of the removed. */
  readonly bytes: number
  readonly kept: number
}

/**
 * Large things that never change, by what they are: an id is the SHA-256 of the bytes. Maps and journals hold only ids.
 * A `reference` is an id, or a tag as `policy@2.3.1`, a range as `policy@^2.3` (the newest version in it), or `policy` (the newest).
 * Errors are `StoreError`.
 */
export interface Blobs extends AsyncDisposable {
  /** What a resolved write promises. */
  readonly level: AckLevel
  /** Streams it in, with bounded memory. It is there whole or not at all; the same bytes are kept once. */
  put(source: BlobSource, options?: BlobOptions): Promise<BlobInfo>
  /**
   * Streams it out, with bounded memory. The last step compares all bytes with the id and throws BLOB_BROKEN: act on what was read only
   * after the end. Throws BLOB_MISSING.
   */
  read(reference: string, options?: BlobOptions): AsyncIterable<Uint8Array>
  /** All bytes, compared with the id. Throws BAD_OPTION if they are more than `maxBytes`. @default 64 MB */
  readAll(reference: string, options?: BlobOptions & { readonly maxBytes?: number }): Promise<Uint8Array>
  /** Throws BLOB_MISSING. */
  stat(reference: string): Promise<BlobInfo>
  /** Creates a tag, or moves it by compare-and-set. Throws TAG_CONFLICT if it is elsewhere, BLOB_MISSING if there is no such blob. */
  tag(name: string, version: string, id: string, options?: TagOptions): Promise<void>
  /** Removes a tag that has this id. Throws TAG_CONFLICT if it has another; one that is not there is well. */
  untag(name: string, version: string, id: string): Promise<void>
  /** The tag that a reference means now. Throws BLOB_MISSING. */
  resolve(reference: string): Promise<BlobTag>
  /** The tags of a name, oldest version first; or all, by name. */
  tags(name?: string): Promise<readonly BlobTag[]>
  /** All blobs, tagged or not. */
  list(): AsyncIterable<BlobInfo>
  /** Removes the blobs that have no tag. Safe while others put and tag. */
  collect(options?: CollectOptions): Promise<Collected>
  close(): Promise<void>
}
