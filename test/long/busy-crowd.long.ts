import { openGrid } from '@stigmergy/grid'
import { openDurable } from '@stigmergy/grid/durable'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { busyCrowd } from '../../packages/core/test/busy-crowd.ts'

/** 10,000 agents with 10 events a second each, for a minute, each stored on disk once a second: on no more than one core. */
const test = suite('a busy crowd, long')

const AGENTS = 10_000
const SECONDS = 60
const MOST_CORES = 1
/** As the benches: machines that are shared are that noisy. */
const SLACK = 1.25

test('10,000 agents of one process need no more than one core', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stigmergy-crowd-'))
  const grid = await openGrid()
  const durable = await openDurable({ path, level: 'process' })
  const until = (atMs: number): Promise<void> => sleep(Math.max(0, atMs - grid.clock.now()))
  const { store } = durable
  const { sent, handled, checkpoints, fewest, waits, cores, tookMs } = await busyCrowd({
    grid,
    store,
    agents: AGENTS,
    perSecond: 10,
    seconds: SECONDS,
    until,
  })
  await durable.close()
  await grid.close()
  await rm(path, { recursive: true })
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (part: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(2)
  console.log(
    `${handled} of ${sent} events, ${checkpoints} checkpoints (${fewest} of the agent with the fewest), ${cores.toFixed(2)} cores for ${(tookMs / 1000).toFixed(1)} s; ` +
      `an event waits ${at(0.5)} ms (p99 ${at(0.99)}, at most ${at(1)}) in its mailbox`,
  )
  assert.is(handled, sent)
  // A second is 1,000 ms and a turn: not one checkpoint more than once a second.
  assert.ok(fewest >= SECONDS * 0.9, `one agent was stored ${fewest} times only`)
  assert.ok(cores <= MOST_CORES * SLACK, `${cores.toFixed(2)} cores were busy`)
})

test.run()
