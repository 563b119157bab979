/** Every error telemetry throws: code -> what it means and what to do. The README's table is kept equal by a test. */
export const TELEMETRY_ERRORS = {
  BAD_OPTION: 'An option or an OTEL_* variable has a value it cannot have. The message quotes it and says which values it takes.',
  PORT_IN_USE: 'Another program listens on the host and port of the metrics endpoint. Give another port, or 0 for a free one.',
  NO_PINO: 'Logs are wanted and pino, an optional peer, is not installed.',
  PROFILE_RUNNING: 'A CPU profile is being taken: wait for it, or abort the `signal` it was given.',
  LISTEN_FAILED: 'The metrics endpoint could not listen for another reason: no right to that port, or no such address here.',
} as const

export type TelemetryErrorCode = keyof typeof TELEMETRY_ERRORS

/** An error of telemetry: switch on `code`, show `message`. Thrown while it starts, and by `profile`; else a running telemetry throws nothing (I7). */
export class TelemetryError extends Error {
  override readonly name = 'TelemetryError'
  readonly code: TelemetryErrorCode
  constructor(code: TelemetryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a TelemetryError, of that code if one is given. Works across two copies of the package. */
export function isTelemetryError(error: unknown, code?: TelemetryErrorCode): error is TelemetryError {
  return error instanceof Error && error.name === 'TelemetryError' && (code === undefined || (error as TelemetryError).code === code)
}
