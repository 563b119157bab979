import { createSystem, memoryStore } from '@stigmergy/core'
import { copyTrace, createVirtualClock, openGrid, type TraceContext } from '@stigmergy/grid'
import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFlight } from './support/flight.ts'
import { memoryMeter } from './support/otel.ts'
import { assign, setup } from './support/xstate.ts'

const test = suite('contexts that are kept')

for (const durability of ['checkpoint', 'gated'] as const) {
  test(`an agent that keeps the context of its work has it in the next process (${durability})`, async () => {
    const store = memoryStore()
    const seen: TraceContext[] = []

    const run = async (step: (send: () => Promise<void>, kept: () => unknown) => Promise<void>): Promise<void> => {
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
      await step(send, () => (agent.snapshot.context as { cause: TraceContext | undefined }).cause)
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
