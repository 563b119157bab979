import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { createMemoryStore } from '@stigmergy/grid/store'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { busyCrowd } from './busy-crowd.ts'

const test = suite('a busy crowd')

test('every agent handles all its events, and is stored once in a second', async () => {
  const clock = createVirtualClock()
  const grid = await openGrid({ clock })
  const until = (atMs: number): Promise<void> => clock.runUntil(atMs)
  const report = await busyCrowd({ grid, store: createMemoryStore(), agents: 200, perSecond: 10, seconds: 3, until })
  assert.equal([report.sent, report.handled], [6000, 6000])
  // The last one when the system is closed.
  assert.ok(report.fewest >= 3, `one agent was stored ${report.fewest} times only`)
  assert.ok(report.checkpoints <= 200 * 4, `${report.checkpoints} checkpoints`)
  assert.is(Math.max(...report.waits), 0)
  await grid.close()
})

test.run()
