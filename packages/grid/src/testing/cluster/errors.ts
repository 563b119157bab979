/** Every way the test cluster says no. docs/testing-on-hazelcast.md has this table, kept equal by a test. */
export const CLUSTER_ERRORS = {
  BAD_OPTION: 'An option is unknown or has a value it cannot have. Correct the option named in the message.',
  NO_JAVA: 'There is no Java runtime. Install Java 17 or newer, or set JAVA_HOME.',
  NO_MAVEN: 'There is no Hazelcast jar here and no Maven to fetch it. Install Maven, or set HAZELCAST_JAR to a jar.',
  NO_JAR: 'The Hazelcast jar is not where it was said to be, or Maven did not give it. The message quotes what Maven said.',
  PORT_TAKEN: 'Another program listens on the port of a member. Give another port, or none: a free one is then taken.',
  START_FAILED: 'A member ended before it was ready. The message quotes the end of its log.',
  START_TIMEOUT: 'The members were not ready in time. The message quotes the end of their logs. Allow more time, or start fewer members.',
  UNREACHABLE: 'Nothing listens on an address of the running cluster. Correct HAZELCAST_ADDRESSES or `addresses`, or start the cluster.',
  NOT_OURS: 'The cluster was not started here, so its members cannot be started, killed or paused. Leave out `addresses`.',
  GONE: 'The member has ended, or the cluster was stopped. Start another.',
} as const

export type ClusterErrorCode = keyof typeof CLUSTER_ERRORS

/** The only error class of the test cluster. Switch on `code`. */
export class ClusterError extends Error {
  override readonly name: string = 'ClusterError'
  readonly code: ClusterErrorCode

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a `ClusterError` (of that code), also when it comes from another copy of this package. */
export function isClusterError(error: unknown, code?: ClusterErrorCode): error is ClusterError {
  if (!(error instanceof Error) || error.name !== 'ClusterError' || !('code' in error)) return false
  return code === undefined ? Object.hasOwn(CLUSTER_ERRORS, error.code as string) : error.code === code
}
