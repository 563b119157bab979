import { setImmediate as turn } from 'node:timers/promises'
import { withDeadline } from '../store/deadline.ts'
import type { TimerHandle } from '../time/clock.ts'
import type { Change, Entry } from '../map/entry.ts'
import type { GridMap, WriteOptions } from '../grid.ts'
import { isStoreError, StoreError } from '../store/errors.ts'
import { createDirtyKeys, type Dirty } from './dirty-keys.ts'
import { forGood, ofTheStore, refusedKeys } from './refused-keys.ts'
import { createKeyWriter } from './key-writer.ts'
import { checkWhole, resolveWriteBehind, type WriteBehindOptions } from './options.ts'
import { Waiting } from './waiting.ts'

export interface WriteBehindStats {
  /** Changed keys that are not stored yet. */
  readonly dirty: number
  /** Values stored, deletes included. */
  readonly stored: number
  /** Changes that needed no write of their own, because their key changed again before. */
  readonly coalesced: number
  /** Writes that failed and were tried again. */
  readonly failed: number
  /** Entries with a time to live: they are not stored. */
  readonly passing: number
  /** Keys set aside, because the store can never hold what they are: their next change is tried again. */
  readonly refused: number
  /** What a write failed of last. */
  readonly lastError: unknown
}

/** Keeps a map in a store, a moment later. */
export interface WriteBehind<V> extends AsyncDisposable {
  /** As of the map; waits first while `maxDirty` changed keys are not stored (back-pressure). Throws STORE_BUSY after `timeoutMs`. */
  put(key: string, value: V, options?: WriteOptions): Promise<Entry<V>>
  /**
   * Deletes in the store first, then in the map, so that no read-through brings it back; waits as `put` does. True if there was an entry.
   * Throws STORE_TIMEOUT after `timeoutMs`, and what the map throws: what the map still holds is then stored again.
   */
  remove(key: string): Promise<boolean>
  /** Resolves when all that had changed by now is stored. Throws what names the keys that cannot be stored, STORE_TIMEOUT, and STORE_FENCED if another keeper took over. */
  flush(): Promise<void>
  stats(): WriteBehindStats
  /** Aborts when another keeper took over; its reason is the STORE_FENCED error. The map goes on, this keeper does not. */
  readonly signal: AbortSignal
  /**
   * Stores what is left, or throws STORE_TIMEOUT, saying how many keys are not stored; or what names those that cannot be. Close it before
   * its grid: what was put in the moment before a grid closed is told to nobody. A second call gets the answer of the first.
   */
  close(): Promise<void>
}

/** So often a removal is written, where puts of the key go on meanwhile. */
const REMOVALS = 4

/**
 * Keeps `map` in a store: every change of every process, seen by a watch, is written behind it. A key that changes often is written
 * with its newest value; writes of one key follow each other, and one that fails is tried again with what is newest then, so a key
 * never goes back. One that the store can never hold is set aside and told by `stats`, `flush` and `close`. A crash of this process loses nothing: the next keeper, with its own fence, compares the map with the store.
 * What is lost is what had changed within the last moment (`flushMs` and the write) when grid and keeper die together.
 *
 * On begin, what the map holds is written where it differs, and what it lacks stays in the store: see `createReadThrough`.
 * Throws `StoreError` BAD_OPTION, and `GridError` UNSUPPORTED for a map that is held in part.
 */
export function createWriteBehind<V>(map: GridMap<V>, options: WriteBehindOptions): WriteBehind<V> {
  const resolved = resolveWriteBehind(map.name, options)
  checkWhole(map)
  const { clock, flushMs, flushKeys, maxDirty, parallel, retryMs, timeoutMs } = resolved
  const dirty = createDirtyKeys<V>()
  const writer = createKeyWriter(map, resolved)
  const over = new AbortController()
  const parts = { clock, timeoutMs, signal: over.signal, began: schedule }
  const waiters = new Waiting(parts)
  // Those that wait for room.
  const held = new Waiting(parts)
  let timer: TimerHandle
  let passing: Promise<void> | undefined
  let failures = 0
  let failed = 0
  let lastError: unknown
  const refused = refusedKeys(map.name, 'stored')
  let closing: Promise<void> | undefined
  // Let in, but not dirty yet.
  let entering = 0

  function mark(key: string, entry: Entry<V> | undefined): number {
    const number = dirty.mark(key, entry)
    refused.delete(key)
    schedule()
    return number
  }

  function seen(change: Change<V>): void {
    if (change.type === 'put') mark(change.key, change.entry)
    else if (change.type !== 'resync') mark(change.key, undefined)
    // What a resync lacks was removed, or the grid was wiped, and then the store is all there is: it stays.
    else for (const [key, entry] of change.entries) mark(key, entry)
  }

  function schedule(): void {
    const { waiting, dueMs } = dirty
    if (passing !== undefined || over.signal.aborted || (waiting === 0 && dueMs === undefined)) return
    const delayMs =
      failures > 0
        ? pauseMs(failures)
        : waiting === 0
          ? Math.max(0, (dueMs ?? 0) - clock.now())
          : waiting >= flushKeys || waiters.size + held.size > 0
            ? 0
            : flushMs
    clock.clearTimeout(timer)
    timer = clock.setTimeout(() => {
      passing ??= pass().finally(() => {
        passing = undefined
        waiters.look()
        letIn()
        schedule()
      })
    }, delayMs)
  }

  const pauseMs = (times: number): number => retryMs * Math.min(50, 2 ** (times - 1))

  async function pass(): Promise<void> {
    const failing: (readonly [Dirty<V>, unknown])[] = []
    let stored = 0
    const write = async (taken: Dirty<V>): Promise<void> => {
      try {
        await writer.write(taken.key, taken.entry)
        dirty.done(taken)
        stored += 1
      } catch (error) {
        lastError = error
        failing.push([taken, error])
        if (isStoreError(error, 'STORE_FENCED')) end(error)
        else failed += 1
      }
    }
    await Promise.all(dirty.take(parallel, clock.now()).map(write))
    // A store that is down is tried by all keys together; one key's own trouble slows that key only.
    const down = stored === 0 && failing.length > 0 && failing.every(([, error]) => ofTheStore(error))
    failures = down ? failures + 1 : 0
    for (const [taken, error] of failing) {
      if (!forGood(error)) dirty.putBack(taken, down ? undefined : clock.now() + pauseMs(taken.tries + 1))
      else {
        dirty.done(taken)
        refused.add(taken.key, error)
      }
    }
  }

  function end(reason: unknown): void {
    if (over.signal.aborted) return
    over.abort(reason)
    clock.clearTimeout(timer)
    watch.close()
    waiters.look()
    held.look()
  }

  const notStored = (): StoreError =>
    new StoreError('STORE_TIMEOUT', `${dirty.size} changed keys of map ${map.name} are not stored after ${timeoutMs} ms`)

  const full = (): boolean => dirty.size + entering >= maxDirty

  function enter(): boolean {
    if (full()) return false
    entering += 1
    return true
  }

  const letIn = (): void => held.look(full)

  /** Begins a change while there is room among the keys that are not stored (I6): callers wait, not values. */
  async function inRoom<T>(change: () => T): Promise<Awaited<T>> {
    over.signal.throwIfAborted()
    if (!enter()) {
      const text = `${dirty.size} changed keys of map ${map.name} wait for the store; maxDirty is ${maxDirty}`
      await held.until(enter, () => new StoreError('STORE_BUSY', text))
    }
    try {
      return await change()
    } finally {
      entering -= 1
      letIn()
    }
  }

  async function close(): Promise<void> {
    let late = false
    try {
      if (!over.signal.aborted) await behind.flush()
    } catch (error) {
      late = isStoreError(error, 'STORE_TIMEOUT')
      throw error
    } finally {
      end(new StoreError('CLOSED', `the keeper of map ${map.name} is closed`))
      // A store that gave no answer in all that time is not waited for once more.
      if (!late && passing !== undefined) await withDeadline(passing, clock, timeoutMs, `the last writes of map ${map.name}`)
    }
  }

  const behind: WriteBehind<V> = {
    signal: over.signal,
    put: (key, value, writeOptions) => inRoom(() => map.put(key, value, writeOptions)),
    async remove(key) {
      try {
        // A put that came before may be told later, and takes the place of the removal: then the key is removed once more.
        for (let time = 1; time === 1 || (time <= REMOVALS && writer.holds(key)); time++) {
          const removal = await inRoom(() => mark(key, undefined))
          await waiters.until(() => dirty.settled(removal), notStored)
        }
        refused.check(key)
        return await map.remove(key)
      } catch (error) {
        // It was not removed, whatever became of its record: what the map holds is stored again.
        const entry = over.signal.aborted ? undefined : map.peek(key)
        if (entry !== undefined) mark(key, entry)
        throw error
      }
    },
    async flush() {
      // A watch tells in a microtask after the commit.
      await turn()
      const { marks } = dirty
      await waiters.until(() => dirty.settled(marks), notStored)
      refused.check()
    },
    stats() {
      const { stored, passing: passed } = writer
      return { dirty: dirty.size, stored, coalesced: dirty.coalesced, failed, passing: passed, refused: refused.size, lastError }
    },
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => behind.close(),
  }

  const watch = map.watch(seen, { initial: true, coalesce: true })
  return behind
}
