import type { Clock, TimerHandle } from '@stigmergy/grid'
import { CoreError, isCoreError } from './errors.ts'
import { isFinal, type Fence, type Store } from './store.ts'
import { waitFor } from './wait.ts'

/** A state as it is stored, and the number up to which the gate opens once it is. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly upTo: number
}

/** Keeps an agent's last good state in the store, written behind: a crash of the process loses at most what is not yet written. */
export interface Checkpoint {
  /** There is a newer state. Cheap: nothing is encoded before `flush`. */
  touch(): void
  /** Encodes the state now, because it will not be there later. `encode` throws `CoreError` BAD_STATE if it cannot be stored. */
  hold(encode: () => Encoded): void
  /** Starts a commit of the newest state, unless one is under way: then the next one begins when it ends. */
  flush(): void
  /** Resolves once all that was told so far is committed. Rejects with the error that prevents it. */
  settled(): Promise<void>
  /** The stored bytes, once all is committed. Undefined: there are none. */
  reload(): Promise<Uint8Array | undefined>
  /** As `settled`, for the last time. */
  end(): Promise<void>
  /** Deletes what this activation has stored. */
  forget(): Promise<void>
}

export interface CheckpointOptions {
  readonly id: string
  readonly store: Store
  readonly clock: Clock
  readonly fence: Fence
  /** Present revision in the store, 0 for none. */
  readonly rev: number
  /** How long the store may take to answer. */
  readonly timeoutMs: number
  readonly open: OpenAsks
  /** Throws `CoreError` BAD_STATE if the state cannot be stored. */
  encode(): Encoded
  onCommit(rev: number, encoded: Encoded): void
  /** The store failed and is tried again, or the state cannot be stored. */
  onError(error: unknown): void
  /** Another activation has taken over (I1): this one is over. */
  onLost(error: unknown): void
}

/** Pauses before a failed commit is tried again: doubled from the first up to the last. */
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 5000

/** The questions to the store that are open: the end of a system ends them. A set, since there may be one for each of 10,000 agents. */
export type OpenAsks = Set<(error: Error) => void>

/** Asks a store that may never answer (I8). Rejects with `CoreError` STORE_TIMEOUT; then the outcome is unknown. */
export function ask<T>(
  { clock, timeoutMs, open }: { readonly clock: Clock; readonly timeoutMs: number; readonly open: OpenAsks },
  name: string,
  call: () => Promise<T>,
): Promise<T> {
  const timedOut = (ms: number): CoreError => new CoreError('STORE_TIMEOUT', `the store did not answer within ${ms} ms for ${name}`)
  return waitFor<T>(clock, { timeoutMs }, timeoutMs, timedOut, ({ resolve, reject }) => {
    open.add(reject)
    call().then(resolve, reject)
    return () => open.delete(reject)
  })
}

export function createCheckpoint(options: CheckpointOptions): Checkpoint {
  const { id, store, clock, fence } = options
  let rev = options.rev
  let dirty = false
  let held: Encoded | undefined
  let inFlight: Promise<void> | undefined
  let failure: { readonly error: unknown; readonly final: boolean } | undefined
  let retry: TimerHandle | undefined
  let retryMs = RETRY_MIN_MS
  let unsure = false
  let closed = false
  const call = <T>(fn: () => Promise<T>): Promise<T> => ask(options, `agent ${JSON.stringify(id)}`, fn)

  // After an error the state before may be stored or not: the store is asked, since only we write under this fence.
  async function write(bytes: Uint8Array): Promise<number> {
    if (unsure) {
      const kept = await call(() => store.get(id))
      if (kept?.fence.token === fence.token && kept.fence.owner === fence.owner) rev = kept.rev
    }
    unsure = true
    try {
      const next = await call(() => store.commit(id, rev, fence, bytes))
      unsure = false
      return next
    } catch (error) {
      unsure = !isFinal(error)
      throw error
    }
  }

  // At most one commit at a time; what changes meanwhile goes with the next one, as one.
  async function commit(state: Encoded): Promise<void> {
    try {
      rev = await write(state.bytes)
      failure = undefined
      retryMs = RETRY_MIN_MS
    } catch (error) {
      inFlight = undefined
      refused(error, state)
      return
    }
    inFlight = undefined
    options.onCommit(rev, state)
    flush()
  }

  function refused(error: unknown, state: Encoded): void {
    const final = isFinal(error)
    failure = { error, final }
    if (final) {
      options.onLost(error)
      return
    }
    // The bytes are tried again unless there are newer ones.
    if (!dirty) held ??= state
    dirty = true
    options.onError(error)
    if (closed) return
    retry = clock.setTimeout(() => {
      retry = undefined
      flush()
    }, retryMs)
    retryMs = Math.min(RETRY_MAX_MS, retryMs * 2)
  }

  // A state that cannot be stored is told, not thrown: the agent goes on, and its last stored state stays.
  function encoded(encode: () => Encoded): Encoded | undefined {
    if (held !== undefined) return held
    try {
      return encode()
    } catch (error) {
      failure = { error, final: false }
      options.onError(error)
      return undefined
    }
  }

  function flush(): void {
    if (!dirty || inFlight !== undefined || retry !== undefined || failure?.final === true) return
    const state = encoded(options.encode)
    held = undefined
    dirty = false
    if (state !== undefined) inFlight = commit(state)
  }

  async function settled(): Promise<void> {
    // Whoever waits wants the truth now, not at the next retry.
    if (retry !== undefined) clock.clearTimeout(retry)
    retry = undefined
    flush()
    while (inFlight !== undefined) await inFlight
    if (failure !== undefined) throw failure.error
  }

  return {
    touch() {
      dirty = true
      held = undefined
    },
    hold(encode) {
      if (!dirty) return
      held = encoded(encode)
      dirty = held !== undefined
    },
    flush,
    settled,
    async reload() {
      await settled().catch((error: unknown) => {
        if (!isCoreError(error, 'BAD_STATE')) throw error
        // The state before it is the last one there is, and from now on the present one.
        failure = undefined
      })
      return (await call(() => store.get(id)))?.value
    },
    async end() {
      closed = true
      await settled()
    },
    async forget() {
      // What is under way would come after the delete.
      await settled().catch(() => undefined)
      if (failure?.final === true) return
      try {
        await call(() => store.delete(id, fence))
      } catch (error) {
        options.onError(error)
      }
    },
  }
}
