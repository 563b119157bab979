import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { takeCoverage } from 'node:v8'
import { createSystem } from '@stigmergy/core'
import { openGrid } from '@stigmergy/grid'
import { isTelemetryError, type FlightRecord } from '@stigmergy/telemetry'
import { startTelemetry, type CpuProfileData, type StartTelemetryOptions } from '@stigmergy/telemetry/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agentSamples } from '../src/node/profiling/agent-samples.ts'
import { withEnvironment } from './support/environment.ts'
import { agentInfo } from './support/transitions.ts'
import { setup } from './support/xstate.ts'

const test = suite('profiling')
// A profiler that ends, ends the counting of coverage in its process too: what was counted is kept before, and counting begins anew after.
const counting = process.env['NODE_V8_COVERAGE'] !== undefined
test.before(() => {
  if (counting) takeCoverage()
})
test.after(() => {
  if (!counting) return
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
})
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'ok',
    (error: { code?: unknown }) => error.code,
  )

test('a sample belongs to the innermost transition it falls into', () => {
  const transition = (agentId: string, startedAtMs: number, endedAtMs: number) =>
    ({ kind: 'transition', agentId, agentType: agentId, system: 'left', startedAtMs, endedAtMs }) as FlightRecord
  const records = [
    transition('b', 3, 5),
    transition('a', 1, 9),
    transition('c', 20, 21),
    { ...transition('x', 0, 99), kind: 'change' as const },
  ]
  const profile: CpuProfileData = { nodes: [], startTime: 100_000, endTime: 0, timeDeltas: [0, 2000, 2000, 2000, 5000, 9500] }
  const { agents, agentOfSample } = agentSamples(profile, records, (ms) => 100_000 + ms * 1000)
  // At 0, 2, 4, 6, 11 and 20.5 ms.
  assert.equal(agentOfSample, [-1, 0, 1, 0, -1, 2])
  assert.equal(agents[0], { agentId: 'a', agentType: 'a', system: 'left', samples: 2, share: 2 / 6 })
  const apart = records.map((record) => ({ ...record, agentId: 'a', system: record.agentId }))
  assert.equal(
    agentSamples(profile, apart, (ms) => 100_000 + ms * 1000).agents.map(({ agentId, system, samples }) => [agentId, system, samples]),
    [
      ['a', 'a', 2],
      ['a', 'b', 1],
      ['a', 'c', 1],
    ],
    'agents of two systems with one id',
  )
  assert.equal(agentSamples({ nodes: [], startTime: 0, endTime: 0 }, records, (ms) => ms).agents, [])
})

test('a profile tells which agent had the processor, one at a time, and close ends it', () =>
  withEnvironment({}, async () => {
    const grid = await openGrid()
    const telemetry = await startTelemetry({ grid })
    const system = createSystem({ grid, hooks: telemetry.core })
    const spin = (): void => {
      const until = performance.now() + 40
      while (performance.now() < until);
    }
    const machine = (id: string, actions: () => void) =>
      setup({}).createMachine({ id, initial: 'a', states: { a: { on: { go: { actions } } } } })
    await system.spawn(machine('busy', spin), { id: 'b1' })
    await system.spawn(
      machine('lazy', () => {}),
      { id: 'l1' },
    )
    const end = new AbortController()
    const taking = telemetry.profile({ seconds: 60, signal: end.signal })
    assert.is(await codeOf(telemetry.profile()), 'PROFILE_RUNNING')
    for (let i = 0; i < 5; i++) {
      await new Promise(setImmediate)
      system.send('b1', { type: 'go' })
      system.send('l1', { type: 'go' })
    }
    await new Promise(setImmediate)
    end.abort()
    const { profile, agents, missedRecords } = await taking
    assert.is(agents[0]?.agentId, 'b1')
    assert.ok(agents[0]!.samples > 20 && agents[0]!.share > 0.2, JSON.stringify(agents))
    assert.is(missedRecords, 0)
    assert.is((profile as { agentOfSample?: readonly number[] }).agentOfSample?.length, profile.samples?.length)
    assert.is(await codeOf(telemetry.profile({ seconds: 0 })), 'BAD_OPTION')
    assert.is(await codeOf(telemetry.profile({ signal: 5 as unknown as AbortSignal })), 'BAD_OPTION')
    assert.is(await codeOf(telemetry.profile({ intervalUs: Number.NaN })), 'BAD_OPTION')
    const misspelt = { second: 1 } as object
    assert.is(await codeOf(telemetry.profile(misspelt)), 'BAD_OPTION')
    const last = telemetry.profile({ seconds: 600 })
    await system.close()
    await telemetry.close()
    assert.ok((await last).profile.nodes.length > 0)
    await grid.close()
  }))

test('at a signal a profile is written to a file, and what goes wrong is said', () =>
  withEnvironment({}, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'profiles-'))
    const lines: string[] = []
    let heard = (): void => {}
    const said = () => new Promise<void>((resolve) => (heard = resolve))
    const warn = (line: string): void => {
      lines.push(line)
      heard()
    }
    const telemetry = await startTelemetry({ service: 'cell/7', profiling: { folder, seconds: 1, signal: 'SIGUSR2' }, warn })
    // A signal that is awaited keeps no process alive.
    const held = setTimeout(() => {}, 30_000)
    const taken = said()
    process.kill(process.pid, 'SIGUSR2')
    await taken
    const [file] = await readdir(folder)
    assert.is(file, `cell_7-${process.pid}-1.cpuprofile`)
    const { nodes, samples } = JSON.parse(await readFile(join(folder, file!), 'utf8')) as { nodes: unknown[]; samples: unknown[] }
    assert.ok(nodes.length > 0 && samples.length > 0)
    assert.match(lines[0]!, /a CPU profile is in .*cell_7-/)
    // Of a process before this one that had the same id, as each has in a container.
    await writeFile(join(folder, `cell_7-${process.pid}-2.cpuprofile`), 'not to be lost')
    const second = said()
    process.kill(process.pid, 'SIGUSR2')
    await second
    assert.match(lines[1]!, /a CPU profile is in .*-3\.cpuprofile/)
    assert.is(await readFile(join(folder, `cell_7-${process.pid}-2.cpuprofile`), 'utf8'), 'not to be lost')
    await rm(folder, { recursive: true })
    const refused = said()
    process.kill(process.pid, 'SIGUSR2')
    await refused
    clearTimeout(held)
    assert.match(lines[2]!, /no CPU profile in .*: ENOENT/)
    await telemetry.close()
    // One is left, and takes no profile: without it a signal that comes now would end the process.
    assert.is(process.listenerCount('SIGUSR2'), 1)
    for (const [profiling, message] of [
      [{ signal: 'SIGNOTHING' }, 'profiling.signal is "SIGNOTHING"'],
      [{ seconds: 0 }, 'profiling.seconds is 0'],
      [{ folder: '' }, 'profiling.folder is ""'],
    ] as const) {
      const error = await startTelemetry({ profiling } as unknown as StartTelemetryOptions).catch((reason: unknown) => reason)
      assert.ok(isTelemetryError(error, 'BAD_OPTION') && error.message.includes(message), String(error))
    }
  }))

test('the signal ends no process whose telemetry is off, whatever else is wrong, nor one that ends or has ended', async () => {
  const listeners = (signal: NodeJS.Signals): number => process.listenerCount(signal)
  const off = async (profiling: unknown): Promise<void> =>
    withEnvironment({ OTEL_SDK_DISABLED: 'true' }, async () => {
      await using telemetry = await startTelemetry({ profiling } as StartTelemetryOptions)
      assert.is(telemetry.memory, undefined)
    })
  const before = listeners('SIGXCPU')
  for (const wrong of [{ signal: 'SIGNOTHING' }, { signal: 'SIGKILL' }, 5, null, false]) await off(wrong)
  await off({ signal: 'SIGXCPU' })
  await off({ signal: 'SIGXCPU' })
  assert.is(listeners('SIGXCPU') - before, 1)
  await withEnvironment({}, async () => {
    const telemetry = await startTelemetry({ profiling: { signal: 'SIGVTALRM' } })
    assert.is(listeners('SIGVTALRM'), 2)
    const closing = telemetry.close()
    assert.is(listeners('SIGVTALRM'), 1)
    await closing
    assert.is(listeners('SIGVTALRM'), 1)
  })
})

test('a snapshot of the heap goes to a new file, with the agents that were alive', () =>
  withEnvironment({}, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heaps-'))
    await using telemetry = await startTelemetry()
    telemetry.core.onSpawn!(agentInfo())
    const path = join(folder, 'one.heapsnapshot')
    assert.equal(await telemetry.heapSnapshot(path), { path, agents: { robot: 1 } })
    assert.match((await readFile(path, 'utf8')).slice(0, 100), /^\{"snapshot":/)
    assert.is(await codeOf(telemetry.heapSnapshot(path)), 'EEXIST')
    assert.is(await codeOf(telemetry.heapSnapshot(join(folder, 'no', 'where'))), 'ENOENT')
    assert.equal(await readdir(folder), ['one.heapsnapshot'])
    await rm(folder, { recursive: true })
  }))

test.run()
