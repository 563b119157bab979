import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { telemetryHooks } from '@stigmergy/telemetry'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecorderOptions } from '../src/recorder/options.ts'
import { openFlight } from './support/flight.ts'
import { memoryMeter } from './support/otel.ts'
import { setup } from './support/xstate.ts'

const test = suite('counters that alerts look at')

const press = setup({}).createMachine({
  id: 'press',
  initial: 'open',
  states: {
    open: { on: { hit: 'crushed' } },
    crushed: { tags: 'violation', on: { hit: 'crushed', release: 'open' } },
  },
})

async function setUp(recorder: RecorderOptions | undefined) {
  const { meter, read, close } = memoryMeter()
  const clock = createVirtualClock()
  const telemetry = telemetryHooks({ meter, clock, flight: recorder && openFlight(recorder).flight })
  const grid = await openGrid({ clock })
  const system = createSystem({ grid, hooks: telemetry.core })
  return {
    clock,
    telemetry,
    system,
    values: async (name: string) => (await read(name)).map(({ attributes, value }) => [attributes, value]),
    async close() {
      await system.close()
      await grid.close()
      await close()
    },
  }
}

const recorders: Readonly<Record<string, RecorderOptions | undefined>> = {
  'a trace that is kept': {},
  'a trace that is not sampled': { headRatio: 0 },
  'no rule that keeps it': { keep: { violations: false } },
  'no recorder': undefined,
}
for (const [name, recorder] of Object.entries(recorders)) {
  test(`every violation is counted: ${name}`, async () => {
    const bench = await setUp(recorder)
    await bench.system.spawn(press, { id: 'press-1' })
    const told = async (): Promise<unknown> => bench.values('agent_violations_total')
    assert.equal(await told(), [[{ agent_type: 'press' }, 0]], 'it begins at 0, so that the first one is seen')
    const trace = bench.telemetry.startTrace('frame', {}, { debug: true })
    for (const type of ['hit', 'hit', 'release', 'hit']) bench.system.send('press-1', { type }, { trace })
    await bench.clock.advance(1)
    assert.equal(await told(), [[{ agent_type: 'press' }, 2]], 'staying in the state is not entering it')
    await bench.close()
  })
}

test.run()
