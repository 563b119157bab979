/** The files that take longest, the slowest first. One that is missing here costs only some waiting at the end of a run. */
export const SLOW_FILES: readonly string[] = [
  'packages/core/test/simulate-seeds.test.ts',
  'packages/grid/test/hazelcast/conformance.test.ts',
  'packages/grid/test/chaos/ages.test.ts',
  'test/runner.test.ts',
  'packages/grid/test/hazelcast-cp/cp.test.ts',
  'packages/grid/test/hazelcast/hostile.test.ts',
  'packages/grid/test/chaos/histories.test.ts',
  'packages/telemetry/test/export-thread.test.ts',
  'packages/core/test/simulate.test.ts',
  'packages/grid/test/journal/kill.test.ts',
  'packages/telemetry/test/drift.test.ts',
  'packages/core/test/leak.test.ts',
  'packages/grid/test/hazelcast/echo-watches.test.ts',
  'test/examples.test.ts',
  'packages/grid/test/chaos/merge.test.ts',
  'packages/telemetry/test/profiling.test.ts',
  'packages/grid/test/cluster/cluster.test.ts',
  'packages/grid/test/blobs/s3.test.ts',
  'test/telemetry-alerts.test.ts',
  'packages/grid/test/hazelcast/outage.test.ts',
  'packages/grid/test/durable/kill.test.ts',
  'packages/telemetry/test/start-telemetry.test.ts',
  'packages/grid/test/blobs/power/power.test.ts',
  'test/simulation.test.ts',
  'packages/core/test/crash-everywhere.test.ts',
  'packages/grid/test/chaos/bad-input.test.ts',
  'packages/cli/test/hazelcast.test.ts',
  'packages/robotics-swarm/test/process.test.ts',
  'packages/core/test/sleep-seeded.test.ts',
  'packages/telemetry/test/flight.test.ts',
  'test/cluster-agents.test.ts',
  'packages/grid/test/durable/grid-conformance.test.ts',
  'packages/grid/test/keep/cluster.test.ts',
  'packages/grid/test/contest/contest.test.ts',
  'packages/grid/test/journal/many-producers.test.ts',
  'packages/telemetry/test/set-up.test.ts',
  'packages/core/test/durable.test.ts',
  'test/deploy/hazelcast.test.ts',
  'packages/robotics-swarm/test/replay-recorded.test.ts',
  'packages/grid/test/hazelcast/echo.test.ts',
  'packages/grid/test/s3/rounds.test.ts',
  'packages/grid/test/durable/power/power.test.ts',
  'packages/telemetry/test/bad-exporters.test.ts',
  'packages/grid/test/hazelcast/batches.test.ts',
  'packages/grid/test/durable/processes-conformance.test.ts',
  'packages/grid/test/durable/grid-kill.test.ts',
  'packages/robotics-swarm/test/replay-real.test.ts',
  'packages/telemetry/test/operators.test.ts',
  'packages/grid/test/durable/history.test.ts',
  'packages/grid/test/journal/conformance.test.ts',
  'test/telemetry-cluster.test.ts',
  'packages/core/test/loops.test.ts',
  'test/telemetry-zipkin.test.ts',
  'packages/core/test/same-as-xstate.test.ts',
  'packages/telemetry/test/alarms.test.ts',
  'packages/robotics-swarm/test/replay-hold.test.ts',
  'packages/telemetry/test/sdk-free.test.ts',
]

/** Does the file keep every core busy by itself? Beside another one it would take so much longer, and make that one late. */
export const takesAllCores = (file: string | undefined): boolean => file === 'packages/core/test/simulate-seeds.test.ts'

const place = (file: string): number => {
  const at = SLOW_FILES.indexOf(file)
  return at < 0 ? SLOW_FILES.length : at
}

/** Puts the files that take longest before all others, which stay in their order. */
export const slowestFirst = (files: readonly string[]): readonly string[] => files.toSorted((one, other) => place(one) - place(other))
