import type { GridMap } from '@stigmergy/grid'
import type { fromPromise, PromiseActorLogic } from 'xstate'
import type { BreakerState } from './breaker.ts'

export interface CallOptions {
  /** Gives up: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** As in the options of the dependency, for this call. */
  readonly timeoutMs?: number | undefined
  /** False: tried once. @default true */
  readonly retry?: boolean
}

/** What became of the calls so far, and what is under way. */
export interface DependencyStats {
  readonly succeeded: number
  readonly failed: number
  /** Of the failed ones, those that took too long. */
  readonly timedOut: number
  readonly refusedOpen: number
  readonly refusedBusy: number
  readonly retried: number
  readonly active: number
  readonly waiting: number
}

/** As XState's `fromPromise` takes it. */
export type Creator<TOutput, TInput> = Parameters<typeof fromPromise<TOutput, TInput>>[0]

/** Something outside that may fail: all who use it share its breaker, its places and its counts. */
export interface Dependency {
  readonly name: string
  readonly state: BreakerState
  /** True while it can be counted on: not open, and where there is a `probe`, not before that has succeeded. */
  readonly up: boolean
  readonly stats: DependencyStats
  /**
   * Calls `fn` within the bounds. Rejects at once with `CoreError` DEPENDENCY_OPEN or DEPENDENCY_BUSY, after the time with
   * DEPENDENCY_TIMEOUT, else with what `fn` throws. `fn` gets a signal that ends with the time, the caller or the system; while
   * one that does not heed it goes on, it keeps its place.
   */
  call<T>(fn: (signal: AbortSignal) => T | PromiseLike<T>, options?: CallOptions): Promise<T>
  /** XState's `fromPromise`, guarded. */
  fromPromise<TOutput, TInput = unknown>(creator: Creator<TOutput, TInput>): PromiseActorLogic<TOutput, TInput>
  /** The same map: what goes to the grid goes through this dependency. Only reads are tried again; what is local stays as it is. */
  map<V>(map: GridMap<V>): GridMap<V>
}
