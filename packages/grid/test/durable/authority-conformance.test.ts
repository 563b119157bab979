import { createVirtualClock, systemClock } from '@stigmergy/grid'
import { createAuthority, createMemoryLeases, type Authority, type LeaseTable } from '@stigmergy/grid/store'
import { authorityCases, type AuthorityBench } from '@stigmergy/grid/store/testing'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openEnvironment } from '../../src/durable/environment.ts'
import { createLmdbLeases } from '../../src/durable/lmdb-leases.ts'
import { newPlace } from './places.ts'

const test = suite('conformance of authorities')

/** A bench on a virtual clock that stands still while the table works. */
function createBench(openTable: () => Promise<LeaseTable>): AuthorityBench & { close(): Promise<void> } {
  const clock = createVirtualClock()
  const opened: Authority[] = []
  const working = new Set<Promise<unknown>>()
  const seen = <T>(promise: Promise<T>): Promise<T> => {
    const done = promise.catch(() => undefined).finally(() => working.delete(done))
    working.add(done)
    return promise
  }
  const idle = async (): Promise<void> => {
    do {
      await Promise.all(working)
      await turn()
    } while (working.size > 0)
  }
  return {
    clock,
    async open() {
      const table = await openTable()
      const watched: LeaseTable = { read: (name) => seen(table.read(name)), swap: (...all) => seen(table.swap(...all)) }
      const authority = createAuthority(watched, { clock, pollMs: 20 })
      opened.push(authority)
      return authority
    },
    async pass(ms) {
      const untilMs = clock.now() + ms
      for (await idle(); (clock.nextAt() ?? Infinity) <= untilMs; await idle()) await clock.step()
      await clock.runUntil(untilMs)
    },
    async close() {
      await Promise.all(opened.map((authority) => authority.close()))
      await idle()
      assert.is(clock.pending, 0, 'close leaves no timer')
    },
  }
}

for (const { name, run } of authorityCases) {
  test(`memory: ${name}`, async () => {
    const table = createMemoryLeases()
    const bench = createBench(async () => table)
    await run(bench)
    await bench.close()
  })

  test(`lmdb: ${name}`, async () => {
    const place = await newPlace()
    const options = { path: place.path, level: 'process', revisions: 1, timeoutMs: 10_000, clock: systemClock() } as const
    const environments = await Promise.all([openEnvironment(options), openEnvironment(options)])
    let at = 0
    const bench = createBench(async () => createLmdbLeases(environments[at++ % 2] as (typeof environments)[0]))
    try {
      await run(bench)
      await bench.close()
    } finally {
      await Promise.all(environments.map((environment) => environment.close()))
      await place.done()
    }
  })
}

test.run()
