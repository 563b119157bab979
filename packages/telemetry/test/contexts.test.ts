import { inspect } from 'node:util'
import { createSystem, memoryStore } from '@stigmergy/core'
import { copyTrace, createVirtualClock, openGrid, type TraceContext } from '@stigmergy/grid'
import { readFlight, telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Recorder } from '../src/recorder/recorder.ts'
import { ended, openFlight } from './support/flight.ts'
import { memoryMeter } from './support/otel.ts'
import { agentInfo } from './support/transitions.ts'
import { assign, setup } from './support/xstate.ts'

const test = suite('contexts of transitions')
const none: ReadonlySet<string> = new Set()
const robot = agentInfo()
const foreign: TraceContext = { traceId: 'f'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

/** A transition under `parent`. */
function step(recorder: Recorder, parent: TraceContext | undefined): TraceContext {
  const context = recorder.start(parent)
  recorder.end(recorder.rowOf(robot), 'go', ended(0, 0, 0, 1), 0, 'a', 'b', none, none, undefined, context)
  return context
}

test('contexts tell their fields to who asks, writes them down or looks at them', () => {
  const { recorder } = openFlight()
  for (const parent of [foreign, undefined]) {
    const context = step(recorder, parent)
    const { traceId, spanId, traceFlags, planId } = context
    assert.match(traceId, /^[0-9a-f]{32}$/)
    assert.match(spanId, /^[0-9a-f]{16}$/)
    assert.equal([traceFlags, planId], [1, undefined])
    const plain = { traceId, spanId, traceFlags }
    assert.is(context.traceId, traceId)
    assert.equal(copyTrace(context), plain)
    assert.equal(JSON.parse(JSON.stringify(context)), plain)
    assert.is(inspect(context), inspect(plain))
    recorder.plan(context, 'p7')
    assert.equal(JSON.parse(JSON.stringify(context)), { ...plain, planId: 'p7' })
    // A copy that lost them begins a trace.
    const lost = recorder.start({ ...context })
    assert.match(lost.traceId, /^[0-9a-f]{32}$/)
    assert.is.not(lost.traceId, traceId)
  }
})

test('the ids that contexts tell are those that are recorded, whenever they are asked for', () => {
  const { recorder } = openFlight()
  const contexts: TraceContext[] = []
  for (let i = 0; i < 100; i++) {
    const parent = i % 3 === 0 ? undefined : contexts[i - 1]
    contexts.push(step(recorder, parent))
    if (i % 7 === 0) assert.is(contexts[i]?.traceId.length, 32)
  }
  const { records } = readFlight({ ring: recorder.ring.buffer, strings: recorder.strings.buffer }).read(0)
  assert.equal(
    records.map(({ traceId, spanId }) => ({ traceId, spanId })),
    contexts.map(({ traceId, spanId }) => ({ traceId, spanId })),
  )
  for (const [i, { parentId }] of records.entries()) assert.is(parentId, i % 3 === 0 ? '0'.repeat(16) : contexts[i - 1]?.spanId)
})

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`an agent that keeps the context of its work has it in the next process (${durability})`, async () => {
    const store = memoryStore()
    const seen: TraceContext[] = []

    const run = async (work: (send: () => Promise<void>, kept: () => unknown) => Promise<void>): Promise<void> => {
      const { meter, close } = memoryMeter()
      const clock = createVirtualClock()
      const grid = await openGrid({ clock })
      const { core } = telemetryHooks({ meter, clock, flight: openFlight().flight })
      const system = createSystem({ grid, store, hooks: core })
      const keep = assign(() => {
        seen.push(grid.trace.current!)
        return { cause: grid.trace.current }
      })
      const machine = setup({}).createMachine({ id: 'keeper', context: { cause: undefined }, on: { go: { actions: keep } } })
      const agent: { readonly snapshot: { readonly context: unknown } } = await system.spawn(machine, { id: 'k', durability })
      const send = async (): Promise<void> => {
        system.send('k', { type: 'go' })
        await clock.advance(10)
      }
      await work(send, () => (agent.snapshot.context as { cause: TraceContext | undefined }).cause)
      await system.close()
      await grid.close()
      await close()
    }

    await run(async (send) => send())
    assert.is(seen.length, 1)
    await run((_, kept) => Promise.resolve(assert.equal(kept(), copyTrace(seen[0]!))))
  })
}

test.run()
