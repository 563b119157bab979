import { ageCases } from './age-cases.ts'
import { ageWatchCases } from './age-watch-cases.ts'
import type { GridCase } from './case.ts'
import { consistencyCases } from './consistency-cases.ts'
import { indexCases } from './index-cases.ts'
import { mergeCases } from './merge-cases.ts'
import { partCases } from './part-cases.ts'
import { refusalCases } from './refusal-cases.ts'
import { schemaCases } from './schema-cases.ts'
import { unheldCases } from './unheld-cases.ts'
import { topicCases } from './topic-cases.ts'
import { ttlCases } from './ttl-cases.ts'
import { valueCases } from './value-cases.ts'
import { watchCases } from './watch-cases.ts'
import { watchGuestCases } from './watch-guest-cases.ts'
import { writeCases } from './write-cases.ts'

export type { CaseNeed, GridBench, GridCase } from './case.ts'
export { clusterLacks, startCluster, type TestCluster } from './cluster/cluster.ts'
export { CLUSTER_ERRORS, ClusterError, isClusterError, type ClusterErrorCode } from './cluster/errors.ts'
export type { TestMember } from './cluster/member.ts'
export type { ClusterOptions, MemberConfig } from './cluster/options.ts'

export { describeVerdict } from './history/describe.ts'
export { checkLinearizable, type CheckOptions, type Verdict } from './history/linearizable.ts'
export { IMPOSSIBLE, registerModel, type RegisterInput, type RegisterOutput, type SequentialModel } from './history/model.ts'
export { machineNow, Recorder, type Operation, type RecorderOptions } from './history/operation.ts'
export { checkSession, type SessionViolation } from './history/session.ts'

/** The conformance suite, as data: what every backend of the grid must show. Run each case on a fresh {@link GridBench}. */
export const gridCases: readonly GridCase[] = [
  ...writeCases,
  ...valueCases,
  ...refusalCases,
  ...ttlCases,
  ...watchCases,
  ...watchGuestCases,
  ...ageCases,
  ...schemaCases,
  ...consistencyCases,
  ...partCases,
  ...unheldCases,
  ...indexCases,
  ...mergeCases,
  ...ageWatchCases,
  ...topicCases,
]
