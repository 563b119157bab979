/** Every error the swarm throws: code -> what it means and what to do. The README's table is kept equal by a test. */
export const SWARM_ERRORS = {
  BAD_OPTION: 'An option has a value it cannot have. The message quotes it and says which values it takes.',
  BAD_RECORDING: 'The recording is missing, incomplete or broken. The message names the file, the line and the value.',
  UNKNOWN_SESSION: 'A session was asked for that the recording does not hold. The message lists those it holds.',
  ABORTED: 'The run was interrupted before its end.',
} as const

export type SwarmErrorCode = keyof typeof SWARM_ERRORS

/** An error of the swarm: switch on `code`, show `message`. */
export class SwarmError extends Error {
  override readonly name = 'SwarmError'
  readonly code: SwarmErrorCode
  constructor(code: SwarmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a SwarmError, of that code if one is given. Works across two copies of the package. */
export function isSwarmError(error: unknown, code?: SwarmErrorCode): error is SwarmError {
  return error instanceof Error && error.name === 'SwarmError' && (code === undefined || (error as SwarmError).code === code)
}
