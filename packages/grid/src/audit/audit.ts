import type { TraceContext } from '../map/trace.ts'

/** One decision as it is kept, in the store and in the blobs: one JSON document, so that no tool of ours is needed to read it. */
export interface AuditEntry<T = unknown> {
  /** Of this layout (I9). */
  readonly schema_version: 1
  readonly name: string
  /** 1, 2, 3 … of this name. */
  readonly version: number
  /** The pipeline that led to it: sensor, perception, planning. */
  readonly trace: TraceContext | null
  /** Who decided, and by which right (I1). */
  readonly owner: string
  readonly fence: number
  /** When, in ISO 8601, by the wall clock of whoever decided. */
  readonly at: string
  readonly document: T
}

export interface AuditReceipt {
  readonly version: number
}

export interface AuditStats {
  /** Recorded by this process. */
  readonly recorded: number
  /** Of them and of those found in the outbox, how many reached the blobs. */
  readonly delivered: number
  /** Deliveries that failed and are tried again, and why the last one did. */
  readonly failed: number
  readonly lastError: unknown
}

/** Every plan, versioned, with the trace that led to it. Errors are `StoreError`. */
export interface Audit extends AsyncDisposable {
  /**
   * Keeps a document as the next version of its name. Resolves when the store has it, at the store's level; it goes on to the blobs by
   * itself, in order, from the store's outbox, so neither a crash nor blobs out of reach lose one.
   * Throws BAD_OPTION, with the path of what JSON would change or leave out (a Map, a Date, NaN, a circle): no plan is kept that nobody
   * made, and only properties that are undefined are left out. Throws STORE_FENCED if another owner took over: a planner that lost its
   * lease leaves no plan. Throws STORE_BUSY if `maxUndelivered` versions wait for the blobs, and TAG_CONFLICT if the blobs have versions
   * of that name that are not from this store: none is mixed.
   */
  record(name: string, document: unknown, options?: { readonly trace?: TraceContext | undefined }): Promise<AuditReceipt>
  /** One version, the newest without `version`. Undefined if there is none. */
  read<T = unknown>(name: string, version?: number): Promise<AuditEntry<T> | undefined>
  /** The versions that are in the blobs, oldest first. */
  versions(name: string): Promise<readonly number[]>
  /**
   * Delivers what waits, of this name or of all that this process has recorded. What a process of the same owner has left before is
   * delivered by itself, where the store can be scanned. Throws what stopped the first that it stopped, when all others are delivered.
   */
  flush(name?: string): Promise<void>
  stats(): AuditStats
  /** Delivers what it can within ten seconds, then ends. What it cannot stays in the outbox. */
  close(): Promise<void>
}
