import type { Authority, Lease } from '@stigmergy/grid/store'
import type { Clock } from '@stigmergy/grid'
import type { SystemOptions } from '../actor-system.ts'
import { numberOption, quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { Services } from '../services.ts'
import type { Fence, StoreRecord } from '../durability/store.ts'
import { waitFor } from '../wait.ts'

export type TenureOptions = Pick<SystemOptions, 'authority' | 'leaseMs' | 'leaseWaitMs'>

/** The right of one activation to be the only one of its agent (I1): a lease on its id. */
export interface Tenure {
  /** The token of its commits. Throws STORE_FENCED if the stored one is not older. */
  tokenAfter(kept: StoreRecord | undefined): number
  /** Throws LEASE_LOST if it is over. */
  check(): void
  /** Gives it back. What fails of that is over by itself, in time. */
  end(): Promise<void>
}

/** Takes the lease of an agent, or throws LEASE_HELD. `lost` is called once if it ends before it is given back. */
export type TakeTenure = (agentId: string, lost: (error: CoreError) => void) => Promise<Tenure>

const LEASE_MS = 10_000

/**
 * Undefined: there is no authority, and whoever claims an agent last has it. `owner`: whoever holds the leases, this process.
 * `timeoutMs`: how long the authority may take to answer. Throws BAD_OPTION.
 */
export function createTenures(options: TenureOptions, owner: string, clock: Clock, timeoutMs: number): TakeTenure | undefined {
  const { authority } = options
  const ttlMs = numberOption('leaseMs', options.leaseMs, LEASE_MS, 1, Infinity)
  const waitMs = numberOption('leaseWaitMs', options.leaseWaitMs, 0, 0, Infinity)
  if (authority === undefined) return undefined
  if (typeof (authority as Partial<Authority> | null)?.acquire !== 'function') {
    throw new CoreError('BAD_OPTION', `authority is ${quote(authority)}: give what createAuthority() or a backend's authority returns`)
  }

  const leases: Authority = authority

  async function acquire(agentId: string): Promise<Lease> {
    const name = `agent/${agentId}`
    const lease = await within<Lease | undefined>(
      name,
      waitMs + timeoutMs,
      leases.acquire(name, owner, ttlMs, { waitMs, keep: true }),
      (late) => {
        // Nobody waits for it any more.
        if (late !== undefined) void leases.release(late).catch(() => undefined)
      },
    )
    if (lease !== undefined) return lease
    const holder = await within(name, timeoutMs, leases.current(name)).catch(() => undefined)
    const by = holder === undefined ? 'another process' : quote(holder.owner)
    const why = 'it runs there, or that process died less than its lease ago'
    throw new CoreError('LEASE_HELD', `agent ${quote(agentId)} is held by ${by}: ${why}`)
  }

  function within<T>(name: string, limitMs: number, asked: Promise<T>, late?: (value: T) => void): Promise<T> {
    let over = false
    const timedOut = (ms: number): CoreError =>
      new CoreError('STORE_TIMEOUT', `the authority did not answer within ${ms} ms for ${quote(name)}`)
    return waitFor<T>(clock, { timeoutMs: limitMs }, limitMs, timedOut, ({ resolve, reject }) => {
      asked.then((value) => (over ? late?.(value) : resolve(value)), reject)
      return () => (over = true)
    })
  }

  return async (agentId, lost) => {
    const lease = await acquire(agentId)
    const { fence, signal } = lease
    const error = (): CoreError =>
      new CoreError('LEASE_LOST', `the lease of agent ${quote(agentId)} with token ${fence.token} is over: another process may run it`)
    const tell = (): void => lost(error())
    signal.addEventListener('abort', tell)
    return {
      tokenAfter(kept) {
        if (kept === undefined || kept.fence.token < fence.token) return fence.token
        const stored = `the store holds token ${kept.fence.token} of agent ${quote(agentId)}`
        throw new CoreError('STORE_FENCED', `${stored}, its lease has ${fence.token}: it was stored by the leave of another authority`)
      },
      check() {
        if (lease.remainingMs() === 0) throw error()
      },
      async end() {
        signal.removeEventListener('abort', tell)
        await within(lease.name, timeoutMs, leases.release(lease)).catch(() => undefined)
      },
    }
  }
}

/**
 * By which fence an activation claims what is stored. No two have the same (I1): the token of a lease is given once; without one two may
 * count up to the same, and each is an owner of its own.
 */
export function fenceOf(services: Pick<Services, 'grid' | 'newOwner'>, tenure: Tenure | undefined, kept: StoreRecord | undefined): Fence {
  if (tenure === undefined) return { owner: services.newOwner(), token: (kept?.fence.token ?? 0) + 1 }
  return { owner: services.grid.id, token: tenure.tokenAfter(kept) }
}

/** The next activation may begin once all is stored. */
export async function thenEnd(stored: Promise<void> | undefined, tenure: Tenure | undefined): Promise<void> {
  try {
    await stored
  } finally {
    await tenure?.end()
  }
}
