/** Reads a flight recorder on another thread as fast as it can, and checks that no record is torn. */
import { parentPort, workerData } from 'node:worker_threads'
import { readFlight, type FlightRecord, type RecorderMemory } from '@stigmergy/telemetry'

const reader = readFlight(workerData as RecorderMemory)
let from = 0
let read = 0
let missed = 0
let wrong = 0
let newest: FlightRecord | undefined

function pass(): void {
  const got = reader.read(from)
  from = got.next
  read += got.records.length
  missed += got.missed
  for (const record of got.records) {
    newest = record
    const i = record.seq
    if (
      i === 0 ? record.event !== 'camera frame' : record.agentId !== `r${i}` || record.to !== `s${i % 5}` || record.startedAtMs !== i / 1000
    )
      wrong += 1
  }
}

let total = Infinity
parentPort?.on('message', (all: number) => {
  total = all
})
parentPort?.postMessage('ready')
const loop = (): void => {
  pass()
  if (from < total) setImmediate(loop)
  else parentPort?.postMessage({ read, missed, wrong, newest })
}
loop()
