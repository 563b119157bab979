// Prints what an `await` of user code costs in this process: nanoseconds of CPU. `plain`: no telemetry; `telemetry`: as it is by default, with a
// system whose agent has run; `async-context`: with what is known to slow it, to see that it would be seen.
import { createRequire } from 'node:module'
import { createSystem, type CoreHooks } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { startTelemetry, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { machine } from './telemetry-recorder.ts'

const AWAITS = 300_000
const mode = process.argv[2]
const { GrpcInstrumentation } = createRequire(import.meta.url)('@opentelemetry/instrumentation-grpc') as {
  readonly GrpcInstrumentation: new () => NonNullable<StartTelemetryOptions['instrumentations']>[number]
}

const answer = async (i: number): Promise<number> => i

async function measure(): Promise<number> {
  const costs: number[] = []
  let sum = 0
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < AWAITS; i++) sum += await answer(i)
    const { user, system } = process.cpuUsage(before)
    if (round > 0) costs.push(((user + system) * 1000) / AWAITS)
  }
  if (sum === 0) throw new Error('nothing was awaited')
  return costs.toSorted((a, b) => a - b)[1] as number
}

await using grid = await openGrid()
const options: StartTelemetryOptions = { otlp: false, prometheus: false, keep: 'all' }
const slow: StartTelemetryOptions = { instrumentations: [new GrpcInstrumentation()], asyncContext: true }
const telemetry = mode === 'plain' ? undefined : await startTelemetry(mode === 'telemetry' ? options : { ...options, ...slow })
const hooks: CoreHooks = telemetry?.core ?? {}
await using system = createSystem({ grid, hooks })
const agent = await system.spawn(machine, { id: 'light' })
agent.send({ type: 'go' })
await agent.until((snapshot) => snapshot.matches('green'), { timeoutMs: 5000 })
process.stdout.write(`${await measure()}\n`)
await telemetry?.close()
