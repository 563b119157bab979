/** What a command may touch of the process; tests give their own. */
export interface CliIo {
  /** Results. */
  readonly out: (line: string) => void
  /** Progress and errors. */
  readonly err: (line: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal
}

/** 0: checks hold. 1: a check failed. 2: bad input. 130: interrupted, as shells name it. */
export type ExitCode = 0 | 1 | 2 | 130
