import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('leak')

interface Left {
  readonly heap: number
  readonly handles: number
  readonly [name: string]: number
}

interface Measured {
  readonly count: number
  readonly before: Left
  readonly after: Left
  /** The least that the heap grew by in one of three thousands of restarts. */
  readonly grown: number
  readonly end: Left
}

test('1,000 restarts of agents with children, timers and subscriptions leave heap, handles and listeners where they were', async () => {
  const file = fileURLToPath(new URL('leak-child.ts', import.meta.url))
  const args = ['--expose-gc', '--conditions=@stigmergy/source', '--import', 'tsx', file]
  // Counting coverage keeps memory of its own.
  const { NODE_V8_COVERAGE: _counted, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 100_000, env })
  const { count, before, after, grown, end } = JSON.parse(stdout) as Measured
  assert.ok(count >= 1000)
  const { heap: _heapBefore, ...restBefore } = before
  const { heap: _heapAfter, ...restAfter } = after
  assert.equal(restAfter, restBefore)
  assert.equal([restBefore['agents'], restBefore['running'], restBefore['live'], restBefore['calls']], [10, 10, 30, 10])
  // One actor kept by each restart would be more than three times that. What is left is the compiler's.
  assert.ok(grown < 300_000, `heap grew by ${grown} bytes in each ${count} restarts`)
  assert.equal([end['timers'], end['live'], end['calls'], end['agents']], [0, 0, 0, 0])
  assert.is(end.handles, restBefore.handles - 10, 'the ten intervals are gone')
})

test.run()
