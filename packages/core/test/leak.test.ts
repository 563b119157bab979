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

test('1,000 restarts of agents with children, timers and subscriptions leave heap, handles and listeners where they were', async () => {
  const file = fileURLToPath(new URL('leak-child.ts', import.meta.url))
  const args = ['--expose-gc', '--conditions=@stigmergy/source', '--import', 'tsx', file]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  const { count, before, after, end } = JSON.parse(stdout) as { count: number; before: Left; after: Left; end: Left }
  assert.ok(count >= 1000)
  const { heap: heapBefore, ...restBefore } = before
  const { heap: heapAfter, ...restAfter } = after
  assert.equal(restAfter, restBefore)
  assert.equal([restBefore['agents'], restBefore['running'], restBefore['live'], restBefore['calls']], [10, 10, 30, 10])
  // One actor kept by each restart would be more than three times that. What is left is the compiler's.
  assert.ok(heapAfter - heapBefore < 300_000, `heap grew by ${heapAfter - heapBefore} bytes in ${count} restarts`)
  assert.equal([end['timers'], end['live'], end['calls'], end['agents']], [0, 0, 0, 0])
  assert.is(end.handles, restBefore.handles - 10, 'the ten intervals are gone')
})

test.run()
