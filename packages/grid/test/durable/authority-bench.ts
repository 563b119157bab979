import { createVirtualClock } from '@stigmergy/grid'
import { createAuthority, type Authority, type LeaseTable } from '@stigmergy/grid/store'
import type { AuthorityBench } from '@stigmergy/grid/store/testing'
import { setImmediate as turn } from 'node:timers/promises'
import * as assert from 'uvu/assert'

/** A bench on a virtual clock that stands still while the table works. */
export function createBench(openTable: () => Promise<LeaseTable>): AuthorityBench & { close(): Promise<void> } {
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
