import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { Clock } from '../../time/clock.ts'
import type { Authority, Lease } from '../authority.ts'
import { isStoreError } from '../errors.ts'
import type { Fence } from '../store.ts'

/** One empty table of leases, fresh for each case. */
export interface AuthorityBench {
  readonly clock: Clock
  /** One more authority over the same table, as another process, on the bench's clock. The runner closes them. */
  open(): Promise<Authority>
  /** Lets time pass: all timers due by then have run, and what they began is done. */
  pass(ms: number): Promise<void>
}

/** A behaviour every authority must show. It throws an AssertionError where it does not. */
export interface AuthorityCase {
  readonly name: string
  run(bench: AuthorityBench): Promise<void>
}

async function take(authority: Authority, owner: string): Promise<Lease> {
  const lease = await authority.acquire('x', owner, 1000)
  ok(lease !== undefined, `${owner} gets the lease`)
  return lease
}

const lost = (error: unknown): boolean => isStoreError(error, 'LEASE_LOST')

/** The conformance suite of authorities, as data. */
export const authorityCases: readonly AuthorityCase[] = [
  {
    name: 'one holder at a time; each lease has a greater fence',
    async run({ open }) {
      const [a, b] = [await open(), await open()]
      const first = await take(a, 'a')
      deepEqual(first.fence, { owner: 'a', token: 1 })
      equal(await b.acquire('x', 'b', 1000), undefined)
      equal(await a.acquire('x', 'a', 1000), undefined)
      deepEqual(await b.current('x'), first.fence)
      await a.release(first)
      ok(first.signal.aborted)
      equal(first.remainingMs(), 0)
      equal(await b.current('x'), undefined)
      deepEqual((await take(b, 'b')).fence, { owner: 'b', token: 2 })
      deepEqual((await b.acquire('y', 'b', 1000))?.fence.token, 1)
    },
  },
  {
    name: 'a silent holder stops by its own clock before another may take over',
    async run({ open, pass }) {
      const [a, b] = [await open(), await open()]
      const first = await take(a, 'a')
      equal(await b.acquire('x', 'b', 1000), undefined)
      await pass(899)
      ok(first.remainingMs() > 0 && !first.signal.aborted)
      await pass(2)
      ok(first.remainingMs() === 0 && first.signal.aborted)
      equal(await b.acquire('x', 'b', 1000), undefined)
      await pass(100)
      deepEqual((await take(b, 'b')).fence, { owner: 'b', token: 2 })
      await rejects(a.renew(first), lost)
      await a.release(first)
      deepEqual(await a.current('x'), { owner: 'b', token: 2 })
    },
  },
  {
    name: 'whoever comes later must first see the whole silence',
    async run({ open, pass }) {
      const a = await open()
      await take(a, 'a')
      await pass(5000)
      const b = await open()
      equal(await b.acquire('x', 'b', 1000), undefined)
      await pass(999)
      equal(await b.acquire('x', 'b', 1000), undefined)
      await pass(1)
      equal((await take(b, 'b')).fence.token, 2)
    },
  },
  {
    name: 'a renewed lease stays, kept or by hand',
    async run({ open, pass }) {
      const [a, b] = [await open(), await open()]
      const first = await take(a, 'a')
      for (let round = 0; round < 4; round++) {
        equal(await b.acquire('x', 'b', 1000), undefined)
        await pass(800)
        await a.renew(first)
      }
      ok(first.remainingMs() > 0)
      const kept = await b.acquire('y', 'b', 1000, { keep: true })
      for (let round = 0; round < 10; round++) {
        equal(await a.acquire('y', 'a', 1000), undefined)
        await pass(300)
      }
      ok(kept !== undefined && !kept.signal.aborted)
      deepEqual(await a.current('y'), kept.fence)
    },
  },
  {
    name: 'who waits gets it as soon as it is free; who gives up, and who is told to stop, does not',
    async run({ open, pass }) {
      const [a, b] = [await open(), await open()]
      const first = await take(a, 'a')
      let got: Lease | undefined
      const waiting = b.acquire('x', 'b', 1000, { waitMs: 10_000 }).then((lease) => (got = lease))
      const gaveUp = b.acquire('x', 'c', 1000, { waitMs: 200 })
      const stop = new AbortController()
      const stopped = rejects(b.acquire('x', 'd', 1000, { waitMs: 10_000, signal: stop.signal }), { name: 'AbortError' })
      await pass(300)
      equal(await gaveUp, undefined)
      stop.abort()
      await stopped
      await a.release(first)
      await pass(200)
      await waiting
      deepEqual(got?.fence, { owner: 'b', token: 2 })
    },
  },
  {
    name: 'of many at once exactly one gets it, and the fence never goes back',
    async run({ open }) {
      const authorities = [await open(), await open(), await open()]
      for (let round = 1; round <= 10; round++) {
        const leases = await Promise.all(authorities.flatMap((each, at) => [0, 1].map((n) => each.acquire('x', `o${at}${n}`, 1000))))
        const won = leases.findIndex((lease) => lease !== undefined)
        equal(leases.filter((lease) => lease !== undefined).length, 1)
        equal(leases[won]?.fence.token, round)
        await authorities[Math.floor(won / 2)]?.release(leases[won] as Lease)
      }
    },
  },
  {
    name: 'a watch tells the holder now and whenever it changes',
    async run({ open, pass }) {
      const [a, b] = [await open(), await open()]
      const told: (string | undefined)[] = []
      const watch = b.watch('x', (holder) => told.push(holder?.owner))
      await pass(100)
      const lease = await take(a, 'a')
      await pass(100)
      await a.release(lease)
      await pass(100)
      watch.close()
      await take(a, 'a')
      await pass(100)
      deepEqual(told, [undefined, 'a', undefined])
    },
  },
  {
    name: 'what a watch throws or rejects with is dropped, and it is not told the same again',
    async run({ open, pass }) {
      const [a, b] = [await open(), await open()]
      const told: string[] = []
      const watches = [
        b.watch('x', (holder) => {
          told.push(`throws ${holder?.owner}`)
          throw new Error('mine')
        }),
        b.watch('x', ((holder: Fence | undefined) => {
          told.push(`rejects ${holder?.owner}`)
          return Promise.reject(new Error('mine'))
        }) as (holder: Fence | undefined) => void),
      ]
      await pass(200)
      await take(a, 'a')
      await pass(200)
      for (const watch of watches) watch.close()
      deepEqual(told.toSorted(), ['rejects a', 'rejects undefined', 'throws a', 'throws undefined'])
    },
  },
  {
    name: 'renewals of one lease may be asked for at a time: it stays ours',
    async run({ open }) {
      const [a, b] = [await open(), await open()]
      const lease = await take(a, 'a')
      await Promise.all(Array.from({ length: 5 }, () => a.renew(lease)))
      ok(lease.remainingMs() > 0 && !lease.signal.aborted)
      deepEqual(await b.current('x'), lease.fence)
      const [released] = await Promise.all([a.release(lease), a.renew(lease).catch(() => undefined), a.renew(lease).catch(() => undefined)])
      equal(released, undefined)
      equal(await b.current('x'), undefined)
    },
  },
  {
    name: 'options that say nothing are refused',
    async run({ open }) {
      const a = await open()
      await take(a, 'a')
      const bad = (error: unknown): boolean => isStoreError(error, 'BAD_OPTION')
      for (const waitMs of [Number.NaN, -1, '100']) await rejects(a.acquire('x', 'b', 1000, { waitMs: waitMs as number }), bad)
      await rejects(a.acquire('y', 'b', 1000, { wait: 100 } as never), bad)
      equal(await a.current('y'), undefined)
    },
  },
  {
    name: 'close waits for what is under way, and frees it',
    async run({ open }) {
      const [a, b] = [await open(), await open()]
      await take(b, 'b')
      const taking = a.acquire('y', 'a', 60_000)
      const waiting = rejects(a.acquire('x', 'a', 1000, { waitMs: Infinity }), (error) => isStoreError(error, 'CLOSED'))
      let ended = false
      const told = taking.then(
        () => (ended = true),
        () => (ended = true),
      )
      await a.close()
      ok(ended)
      await Promise.all([told, waiting])
      equal((await taking.catch(() => undefined))?.remainingMs() ?? 0, 0)
      equal(await b.current('y'), undefined)
    },
  },
  {
    name: 'close frees what is held, and refuses what comes after',
    async run({ open }) {
      const [a, b] = [await open(), await open()]
      const lease = await take(a, 'a')
      await a.close()
      ok(lease.signal.aborted)
      equal((await take(b, 'b')).fence.token, 2)
      await rejects(a.acquire('x', 'a', 1000), (error) => isStoreError(error, 'CLOSED'))
    },
  },
]
