import { randomUUID } from 'node:crypto'
import { systemClock, type Clock } from '../time/clock.ts'
import { createClosing } from '../time/closing.ts'
import { StoreError } from './errors.ts'
import { createHeldLease, type HeldLease } from './lease.ts'
import { badOption, checkId, checkMs, checkNames } from './rules.ts'
import type { Fence } from './store.ts'

/** A right to act as the only one, for a time. */
export interface Lease {
  readonly name: string
  /** For every write and effect under this lease (I1, I3). Its token is greater than that of every lease of this name before. */
  readonly fence: Fence
  readonly ttlMs: number
  /** How long it may still be relied on, by this process's monotonic clock; 0 when it is over. Ask before you act. */
  remainingMs(): number
  /** Aborts when the lease is over: not renewed in time, taken by another, released, or the authority closed. */
  readonly signal: AbortSignal
}

export interface AcquireOptions {
  /** How long to wait for a lease another one holds; Infinity: until there is an answer. @default 0 */
  readonly waitMs?: number
  /** Renew it every third of its time until it is released or lost. @default false */
  readonly keep?: boolean
  readonly signal?: AbortSignal
}

export interface LeaseWatch {
  close(): void
}

/** Leases with fences, linearizable over all authorities of one table. Errors are `StoreError`. */
export interface Authority extends AsyncDisposable {
  /**
   * The lease, or undefined if another holds it until `waitMs` is over. A holder that died is known by its silence: the lease is free
   * once it was seen unchanged for its whole time by *our* clock, so no two machines' clocks are ever compared (I4).
   */
  acquire(name: string, owner: string, ttlMs: number, options?: AcquireOptions): Promise<Lease | undefined>
  /** Makes it last `ttlMs` from now. Throws LEASE_LOST; after another error the lease runs on until its time is over. */
  renew(lease: Lease): Promise<void>
  /** Frees it for the next one at once. Does nothing if it is lost. */
  release(lease: Lease): Promise<void>
  /** Who holds it, as far as this authority can tell; undefined if nobody does. */
  current(name: string): Promise<Fence | undefined>
  /** Calls `fn` with the present holder, and whenever that has changed, looking every `pollMs`. What `fn` throws is dropped. */
  watch(name: string, fn: (holder: Fence | undefined) => void): LeaseWatch
  /** Waits for what is under way, releases what it holds, and stops its timers. */
  close(): Promise<void>
}

/** What is kept of a lease. `beat` is new with every write, so silence shows. Without `owner` it is free; `fence` is kept for ever. */
export interface LeaseRow {
  readonly fence: number
  readonly owner: string | undefined
  readonly ttlMs: number
  readonly beat: string
}

/** Where leases are kept: linearizable compare-and-set registers, whatever keeps them. */
export interface LeaseTable {
  /** The row, with a tag that is another one after each write; both undefined if there is none. */
  read(name: string): Promise<{ readonly tag: string | undefined; readonly row: LeaseRow | undefined }>
  /** Writes if the row still has this tag, and returns its new one; undefined if it has not. */
  swap(name: string, tag: string | undefined, row: LeaseRow): Promise<string | undefined>
}

export interface AuthorityOptions {
  /** @default systemClock() */
  readonly clock?: Clock
  /** How often a wait or a watch looks. @default 50 */
  readonly pollMs?: number
  /** Makes ids that never repeat. @default random UUIDs */
  readonly ids?: () => string
}

/** The one implementation of leases, over any table. */
export function createAuthority(table: LeaseTable, options: AuthorityOptions = {}): Authority {
  checkNames('createAuthority', options, ['clock', 'pollMs', 'ids'])
  const { clock = systemClock(), ids = randomUUID } = options
  const pollMs = checkMs('pollMs', options.pollMs ?? 50)
  const seen = new Map<string, { readonly beat: string; readonly atMs: number }>()
  const held = new Map<Lease, HeldLease>()
  const closing = createClosing()
  const taking = new Set<Promise<unknown>>()
  let closed: Promise<unknown> | undefined

  /** The row, and whether it is free to take. */
  async function look(
    name: string,
  ): Promise<{ readonly tag: string | undefined; readonly row: LeaseRow | undefined; readonly free: boolean }> {
    if (closing.signal.aborted) throw new StoreError('CLOSED', 'the authority is closed')
    const { tag, row } = await table.read(name)
    if (row?.owner === undefined) return { tag, row, free: true }
    const nowMs = clock.now()
    const last = seen.get(name)
    // Silence is counted from when the row was seen, which is after it was written: the holder's own time ends before ours.
    if (last?.beat !== row.beat) seen.set(name, { beat: row.beat, atMs: nowMs })
    return { tag, row, free: last?.beat === row.beat && nowMs - last.atMs >= row.ttlMs }
  }

  async function renew(lease: Lease): Promise<void> {
    const mine = held.get(lease)
    if (mine === undefined || lease.remainingMs() === 0) throw lost(lease)
    const row = { fence: lease.fence.token, owner: lease.fence.owner, ttlMs: lease.ttlMs, beat: ids() }
    const startMs = clock.now()
    const tag = await write(lease, mine.tag, row)
    if (tag === undefined) mine.end()
    if (tag === undefined || lease.remainingMs() === 0) throw lost(lease)
    mine.renewed(tag, startMs)
  }

  /** Writes a row of a lease that is still ours; undefined if it is not. */
  async function write(lease: Lease, known: string, row: LeaseRow): Promise<string | undefined> {
    for (let tag: string | undefined = known; ;) {
      const written = await table.swap(lease.name, tag, row)
      if (written !== undefined) return written
      // Another renewal came between, or one was written though its answer was lost. Nobody else writes our fence.
      const now = await table.read(lease.name)
      if (now.row?.fence !== lease.fence.token || now.row.owner !== lease.fence.owner) return undefined
      tag = now.tag
    }
  }

  async function acquire(name: string, owner: string, ttlMs: number, given: AcquireOptions): Promise<Lease | undefined> {
    checkNames('acquire', given, ['waitMs', 'keep', 'signal'])
    const { waitMs = 0, keep = false, signal } = given
    checkId(name, 'name')
    checkId(owner, 'owner')
    checkMs('ttlMs', ttlMs)
    if (typeof waitMs !== 'number' || !(waitMs >= 0)) throw badOption('waitMs', waitMs, 'a number of milliseconds from 0 on')
    const untilMs = clock.now() + waitMs
    for (;;) {
      signal?.throwIfAborted()
      const { tag, row, free } = await look(name)
      const startMs = clock.now()
      if (free) {
        const fence = { owner, token: (row?.fence ?? 0) + 1 }
        const taken = await table.swap(name, tag, { fence: fence.token, owner, ttlMs, beat: ids() })
        if (taken !== undefined) {
          const mine = createHeldLease({ name, fence, ttlMs, tag: taken, startMs, clock, renew: keep ? renew : undefined }, () =>
            held.delete(mine.lease),
          )
          held.set(mine.lease, mine)
          // Closed meanwhile: nobody will act under it, so the next one need not wait for its silence.
          if (closing.signal.aborted) await authority.release(mine.lease).catch(() => undefined)
          return mine.lease
        }
      }
      const leftMs = untilMs - clock.now()
      if (leftMs <= 0) return undefined
      await pause(clock, Math.min(pollMs, leftMs), [closing.signal, signal])
    }
  }

  const authority: Authority = {
    async acquire(name, owner, ttlMs, given = {}) {
      const asked = acquire(name, owner, ttlMs, given)
      taking.add(asked)
      try {
        return await asked
      } finally {
        taking.delete(asked)
      }
    },
    renew,
    async release(lease) {
      const mine = held.get(lease)
      if (mine === undefined) return
      mine.end()
      const { fence, ttlMs } = lease
      await write(lease, mine.tag, { fence: fence.token, owner: undefined, ttlMs, beat: ids() })
    },
    async current(name) {
      const { row, free } = await look(checkId(name, 'name'))
      return row?.owner === undefined || free ? undefined : { owner: row.owner, token: row.fence }
    },
    watch(name, fn) {
      checkId(name, 'name')
      const stop = new AbortController()
      void follow(name, fn, stop.signal)
      return { close: () => stop.abort() }
    },
    async close() {
      closing.abort()
      closed ??= Promise.allSettled([...taking, ...Array.from(held.keys(), (lease) => authority.release(lease))])
      await closed
    },
    [Symbol.asyncDispose]: () => authority.close(),
  }

  async function follow(name: string, fn: (holder: Fence | undefined) => void, stop: AbortSignal): Promise<void> {
    let told: string | undefined
    while (!stop.aborted && !closing.signal.aborted) {
      try {
        const holder = await authority.current(name)
        const line = `${holder?.token} ${holder?.owner}`
        if (line !== told && !stop.aborted) tell(fn, holder)
        told = line
      } catch {
        // A table out of reach says nothing about the holder; the next look may.
      }
      await pause(clock, pollMs, [stop, closing.signal])
    }
  }

  return authority
}

/** What a listener throws or rejects with disturbs nobody; it was told all the same. */
function tell(fn: (holder: Fence | undefined) => unknown, holder: Fence | undefined): void {
  try {
    const result = fn(holder)
    if (result instanceof Promise) result.catch(() => undefined)
  } catch {}
}

function lost({ name, fence }: Lease): StoreError {
  return new StoreError(
    'LEASE_LOST',
    `the lease ${JSON.stringify(name)} of ${JSON.stringify(fence.owner)} with token ${fence.token} is over`,
  )
}

/** Resolves after the time, or at once when one of the signals aborts. */
function pause(clock: Clock, delayMs: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clock.clearTimeout(timer)
      for (const signal of signals) signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimeout(end, delayMs)
    for (const signal of signals) signal?.addEventListener('abort', end)
    if (signals.some((signal) => signal?.aborted)) end()
  })
}
