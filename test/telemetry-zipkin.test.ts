import { ZipkinExporter } from '@opentelemetry/exporter-zipkin'
import { setTimeout as wait } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findZipkin, startZipkin, type ZipkinSpan } from './components/zipkin.ts'
import { needs } from './runner/needs.ts'
import { plain } from './telemetry/messages.ts'
import { openTwoProcesses } from './telemetry/two-processes.ts'

const test = suite('a real Zipkin')
const jar = await findZipkin()

needs(
  test,
  'Java and Maven, for Zipkin',
  jar !== undefined,
)('shows the pipeline of one part, over two processes, as one trace', async () => {
  await using zipkin = await startZipkin(jar as string)
  const url = `${zipkin.url}/api/v2/spans`
  await using two = await openTwoProcesses(
    { service: 'cell', keep: { ratio: 0 }, spanExporters: [new ZipkinExporter({ url })] },
    { HALL_ZIPKIN: url },
  )
  const { here } = two
  // The seventh part is dropped: of ten pipelines it is the one that is kept.
  const jobs = Array.from({ length: 10 }, (_, part) => {
    const root = here.telemetry.startTrace('camera frame', { part })
    return { trace: plain(here.step('eye', root)), fault: part === 7 ? ('arm-error' as const) : undefined }
  })
  const planned = await two.there('planner', jobs)
  await two.there(
    'arm',
    planned.map(({ trace, fault }) => ({ trace: plain(here.step('robot', trace)), fault })),
  )
  await two.collect()

  const traceId = jobs[7]!.trace.traceId
  let spans: readonly ZipkinSpan[] = []
  for (let look = 0; look < 100 && spans.length < 5; look++) {
    spans = (await zipkin.trace(traceId)) ?? []
    if (spans.length < 5) await wait(100)
  }
  const byId = new Map(spans.map((span) => [span.id, span]))
  const path: string[] = []
  let span = spans.find(({ name }) => name.startsWith('arm'))
  for (; span !== undefined; span = byId.get(span.parentId ?? '')) path.unshift(`${span.localEndpoint.serviceName}: ${span.name}`)
  assert.equal(path, ['cell: camera frame', 'cell: eye a -> b', 'hall: planner a -> b', 'cell: robot a -> b', 'hall: arm a -> b'])
  const tags = (name: string) => spans.find((each) => each.name.startsWith(name))?.tags ?? {}
  assert.is(tags('camera')['part'], '7')
  assert.is(tags('arm')['agent.id'], 'arm')
  assert.is(tags('arm')['error'], 'arm-error')
  for (const other of jobs) if (other.trace.traceId !== traceId) assert.is(await zipkin.trace(other.trace.traceId), undefined)
})

test.run()
