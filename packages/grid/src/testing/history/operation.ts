/** One call somebody made, and what came of it. */
export interface Operation<I = unknown, O = unknown> {
  /** Who called. Only messages and {@link checkSession} look at it. */
  readonly process: string
  /** Operations on different keys are judged apart. */
  readonly key: string
  readonly input: I
  /** Unspecified where the outcome is unknown. */
  readonly output: O | undefined
  /** When it was called and when it answered, on one clock for all. `returnedAt` is undefined where the outcome is unknown. */
  readonly calledAt: number
  readonly returnedAt: number | undefined
}

export interface RecorderOptions {
  /** Of all processes alike. @default milliseconds of the machine's monotonic clock, the same in all its processes */
  readonly now?: () => number
}

/** Runs operations and notes when each was called and how it ended. */
export class Recorder<I = unknown, O = unknown> {
  readonly operations: Operation<I, O>[] = []
  readonly #now: () => number

  constructor({ now = machineNow }: RecorderOptions = {}) {
    this.#now = now
  }

  /**
   * Runs it and notes the outcome. If it throws, the outcome is unknown: it may have happened, may happen later, or never. An
   * error for which `refused` is true says that nothing was done: then nothing is noted.
   * @returns what it gave, or undefined if it threw
   */
  async run(
    process: string,
    key: string,
    input: I,
    operation: () => Promise<O>,
    refused: (error: unknown) => boolean = never,
  ): Promise<O | undefined> {
    const calledAt = this.#now()
    try {
      const output = await operation()
      this.operations.push({ process, key, input, output, calledAt, returnedAt: this.#now() })
      return output
    } catch (error) {
      if (!refused(error)) this.operations.push({ process, key, input, output: undefined, calledAt, returnedAt: undefined })
      return undefined
    }
  }
}

/** Milliseconds of the machine's monotonic clock: the same in all processes of one machine. */
export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function never(_error: unknown): boolean {
  return false
}
