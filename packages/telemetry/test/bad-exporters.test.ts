import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withEnvironment } from './support/environment.ts'
import { assign, setup } from './support/xstate.ts'

const test = suite('bad exporters')
const EVENTS = 20_000

/** An exporter that answers in its own way, and counts what it has said to have taken. */
function exporterOf(answer: (done: Parameters<SpanExporter['export']>[1]) => void) {
  const taken = { spans: 0 }
  const exporter: SpanExporter = {
    export(spans, done) {
      answer((result) => {
        if (result.code === ExportResultCode.SUCCESS) taken.spans += spans.length
        done(result)
      })
    },
    shutdown: async () => {},
  }
  return { exporter, taken }
}

const kinds: Readonly<Record<string, Parameters<typeof exporterOf>[0]>> = {
  slow: (done) => void setTimeout(() => done({ code: ExportResultCode.SUCCESS }), 20),
  dead: (done) => done({ code: ExportResultCode.FAILED, error: new Error('refused') }),
  throwing: () => {
    throw new Error('boom')
  },
  silent: () => {},
}

for (const [kind, answer] of Object.entries(kinds)) {
  test(`${kind}: agents handle every event, and each span is taken or counted as lost`, () =>
    withEnvironment({ OTEL_BSP_MAX_QUEUE_SIZE: '1024' }, async () => {
      const { exporter, taken } = exporterOf(answer)
      const telemetry = await startTelemetry({ keep: 'all', spanExporters: [exporter], closeTimeoutMs: 200, warn: () => {} })
      const grid = await openGrid()
      const system = createSystem({ grid, hooks: telemetry.core, mailbox: { capacity: 1000 } })
      const add = assign(({ context: { n } }: { readonly context: { readonly n: number } }) => ({ n: n + 1 }))
      const counter = setup({}).createMachine({ id: 'counter', context: { n: 0 }, on: { go: { actions: add } } })
      const agent = await system.spawn(counter, { id: 'c' })
      for (let sent = 0; sent < EVENTS; sent += 500) {
        for (let i = 0; i < 500; i++) assert.ok(system.send('c', { type: 'go' }))
        await new Promise(setImmediate)
      }
      assert.is((agent.snapshot as { context: { n: number } }).context.n, EVENTS)
      assert.is(system.guestErrors, 0)
      await system.close()
      await telemetry.close()
      await grid.close()
      assert.is(taken.spans + telemetry.tally.dropped.span, EVENTS)
      assert.is(taken.spans > 0, kind === 'slow')
      if (kind !== 'slow') assert.ok(telemetry.tally.exportFailures.traces > 0)
    }))
}

test.run()
