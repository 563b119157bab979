import type { TellBroken } from '../store/tell-broken.ts'
import type { AckLevel } from '../store/store.ts'
import type { BlobInfo, BlobTag } from './blobs.ts'

/** Bytes on their way in: nobody sees them before `finish`. */
export interface BlobUpload {
  /** Resolves when the next chunk may come. */
  write(chunk: Uint8Array): Promise<void>
  /** From here on they are there, whole, under this id. */
  finish(id: string, size: number): Promise<void>
  abort(): Promise<void>
}

/**
 * Where bytes lie. To remove a blob takes two steps, with a look at the tags between them, so that a tag or a put that comes meanwhile is
 * never lost: `setAside` hides nothing from readers; whoever tags it takes it back by `keep`.
 */
export interface BlobBytes {
  readonly level: AckLevel
  begin(): Promise<BlobUpload>
  /** Undefined if there is none. */
  open(id: string, signal: AbortSignal | undefined): Promise<AsyncIterable<Uint8Array> | undefined>
  size(id: string): Promise<number | undefined>
  list(): AsyncIterable<BlobInfo>
  /** Makes it stay, if it is there: called after its tag was written. False: it is not there. */
  keep(id: string): Promise<boolean>
  /**
   * Gives what this setting aside is known by: another may follow, also of the same collection's process, once the blob was kept.
   * Undefined if it was put less than `graceMs` ago, or is not there.
   */
  setAside(id: string, graceMs: number): Promise<unknown>
  /** Puts back what was set aside. */
  restore(id: string, aside: unknown): Promise<void>
  /** Removes what was set aside, unless it was kept or put meanwhile, whatever others have set aside since. */
  discard(id: string, aside: unknown): Promise<void>
  /** Removes what puts that were killed left behind longer ago than this. */
  clean(graceMs: number): Promise<void>
}

/** Where tags are kept: linearizable compare-and-set registers, whatever keeps them. */
export interface TagTable {
  /** The id, undefined if there is no such tag, and what `swap` knows it by: another one after each write. */
  read(name: string, version: string): Promise<{ readonly mark: unknown; readonly id: string | undefined }>
  /** Writes the id, or removes the tag, if the tag still has this mark. False: it has not. */
  swap(name: string, version: string, mark: unknown, id: string | undefined): Promise<boolean>
  /** Of one name, or of all. A tag that cannot be read is told to `broken` and left out; without it the list ends with the error. */
  list(name?: string, broken?: TellBroken): AsyncIterable<BlobTag>
}
