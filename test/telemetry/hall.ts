// The second process: plans and places for the first one.
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin'
import { metric, RATIO, startWorker } from './steps.ts'
import { plain, type Line, type Message } from './messages.ts'

const line: Line = {
  send: (message) => void process.send?.(message),
  on(hear) {
    process.on('message', hear)
    return () => void process.off('message', hear)
  },
}
const zipkin = process.env['HALL_ZIPKIN']
const worker = await startWorker(line, {
  service: 'hall',
  ...(zipkin === undefined ? {} : { keep: { ratio: 0 }, spanExporters: [new ZipkinExporter({ url: zipkin })] }),
})

line.on((message: Message) => {
  if (message.kind === 'work') {
    const jobs = message.jobs.map(({ trace, fault }) => ({ trace: plain(worker.step(message.stage, trace, fault)), fault }))
    line.send({ kind: 'done', jobs })
  }
  if (message.kind !== 'flush') return
  void (async () => {
    await worker.telemetry.flush()
    const ratio = await metric(worker.telemetry, RATIO)
    line.send({ kind: 'flushed', spans: worker.spans.splice(0), dropped: worker.telemetry.tally.dropped.span, ratio })
  })()
})
process.once('disconnect', () => void worker.telemetry.close())
line.send({ kind: 'done', jobs: [] })
