// The second process of a cluster: plans and places what the first one puts into the grid.
import { startGridWorker, type Place } from './cluster-stages.ts'
import { metric, RATIO } from './steps.ts'

const place = JSON.parse(process.env['HALL_PLACE'] ?? '{}') as Place
const worker = await startGridWorker(place)
worker.stage('planner', 'percepts', 'plans')
worker.stage('arm', 'picks', 'placed')

process.on('message', (message) => {
  if (message !== 'flush') return
  void (async () => {
    await worker.telemetry.flush()
    const ratio = await metric(worker.telemetry, RATIO)
    process.send?.({ spans: worker.spans.splice(0), ratio, dropped: worker.telemetry.tally.dropped.span, failed: worker.failed() })
  })()
})
process.once('disconnect', () => void worker.close())
process.send?.('ready')
