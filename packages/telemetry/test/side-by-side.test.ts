import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import { createSystem } from '@stigmergy/core'
import { createVirtualClock, openGrid } from '@stigmergy/grid'
import { startTelemetry } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { setup } from './support/xstate.ts'

const test = suite('side by side')

function collecting() {
  const names: string[] = []
  const spanIds = new Set<string>()
  const exporter: SpanExporter = {
    export(spans, done) {
      for (const span of spans) {
        names.push(span.name)
        spanIds.add(span.spanContext().spanId)
      }
      done({ code: ExportResultCode.SUCCESS })
    },
    shutdown: async () => {},
  }
  return { names, spanIds, exporter }
}

const robot = setup({}).createMachine({ id: 'robot', initial: 'a', states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } } })

test('two telemetries on one system both record every transition, and one that is used twice records it once', async () => {
  const clock = createVirtualClock()
  await using grid = await openGrid({ clock })
  const seen = [collecting(), collecting()]
  const open = (spanExporters: SpanExporter[]) =>
    startTelemetry({ clock, otlp: false, prometheus: false, keep: 'all', warn: () => {}, spanExporters })
  const [a, b] = [await open([seen[0]!.exporter]), await open([seen[1]!.exporter])]
  const system = createSystem({ grid, hooks: a.core })
  system.use(b.core)
  system.use(a.core)
  const agent = await system.spawn(robot, { id: 'r1' })
  for (let i = 0; i < 6; i++) system.send(agent.id, { type: 'go' })
  await clock.advance(10)
  await system.close()
  await a.close()
  await b.close()
  for (const { names, spanIds } of seen) {
    assert.is(names.filter((name) => /robot [ab] -> [ab]/.test(name)).length, 6)
    assert.is(spanIds.size, names.length)
  }
})

test.run()
